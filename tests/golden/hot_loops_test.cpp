// What no loop that takes the time may have: vectors that wait on the stack. And what those that read memory must have.
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <string_view>

#include "jit/disassembler.hpp"
#include "templates/manifest/manifest.hpp"
#include "tests/golden/hot_loop.hpp"

namespace burin::kernels {
namespace {

constexpr std::string_view kTargets[] = {"haswell", "alderlake", "znver5", "graniterapids"};
// Of the rows, which are many and alike.
constexpr std::size_t kEvery = 53;

bool has_vector(std::string_view instruction) {
  for (const std::string_view name : {"xmm", "ymm", "zmm", "tmm"})
    if (instruction.find(name) != std::string_view::npos) return true;
  return false;
}

// The first instruction that moves a vector from or to the stack; empty where there is none. The scales of a superblock
// are converted once and lie there on purpose, as operands of what multiplies them with those of groups: no move.
std::string spill_in(const std::string& loops) {
  std::istringstream lines(loops);
  for (std::string line; std::getline(lines, line);) {
    const std::string_view instruction = std::string_view(line).substr(0, line.find(';'));
    const bool of_stack = instruction.find("[rsp") != std::string_view::npos;
    const bool moves = instruction.find("vmov") != std::string_view::npos;
    if (of_stack && moves && has_vector(instruction)) return line;
  }
  return "";
}

// Calls what(image, loops) for rows that begin with one of the names.
template <typename What>
void for_hot_loops(std::initializer_list<std::string_view> kinds, std::size_t every, What what) {
  for (const std::string_view name : kTargets) {
    const jit::Target target = jit::parse_target(name).with_roles();
    std::size_t seen = 0;
    for (const ManifestRow& row : manifest()) {
      const bool wanted = std::any_of(kinds.begin(), kinds.end(),
                                      [&](std::string_view kind) { return row.name.starts_with(kind); });
      if (!wanted || seen++ % every != 0 || !refusal_of(row, target).empty()) continue;
      SCOPED_TRACE(row.name + " for " + target.name);
      what(row, tests::hot_loop(
                    disassemble(emit_kernel(parse_kernel_name(row.kernel), target), jit::Offsets::left_out)));
    }
  }
}

TEST(HotLoops, HoldTheirVectorsInRegisters) {
  for_hot_loops({"gemm/", "attention/"}, kEvery,
                [](const ManifestRow&, const std::string& loops) { EXPECT_EQ(spill_in(loops), ""); });
}

TEST(HotLoops, PrefetchWhatDecodingReads) {
  for_hot_loops({"gemm/", "attention/"}, kEvery, [](const ManifestRow& row, const std::string& loops) {
    const bool decodes = row.name.find("/stream") != std::string::npos || row.name.starts_with("attention/");
    if (!decodes) return;
    EXPECT_NE(loops.find("prefetch"), std::string::npos);
  });
}

}  // namespace
}  // namespace burin::kernels
