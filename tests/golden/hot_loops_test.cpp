// What no loop that takes the time may have: vectors that wait on the stack. And what those that read memory must have.
#include <gtest/gtest.h>

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

bool reads_weights_or_keys_once(const ManifestRow& row) {
  const bool of_prompts = row.name.find("/amx/") != std::string::npos;
  return row.name.find("/stream") != std::string::npos || (row.name.starts_with("attention/") && !of_prompts);
}

void expect_good_loops(const ManifestRow& row, const jit::Target& target) {
  SCOPED_TRACE(row.name + " for " + target.name);
  const std::string loops = tests::hot_loop(
      disassemble(emit_kernel(parse_kernel_name(row.kernel), target), jit::Offsets::left_out));
  EXPECT_EQ(spill_in(loops), "");
  EXPECT_TRUE(!reads_weights_or_keys_once(row) || loops.find("prefetch") != std::string::npos);
}

TEST(HotLoops, HoldTheirVectorsInRegistersAndPrefetchWhatDecodingReads) {
  for (const std::string_view name : kTargets) {
    const jit::Target target = jit::parse_target(name).with_roles();
    std::size_t seen = 0;
    for (const ManifestRow& row : manifest()) {
      const bool has_loops = row.name.starts_with("gemm/") || row.name.starts_with("attention/");
      if (has_loops && seen++ % kEvery == 0 && refusal_of(row, target).empty())
        expect_good_loops(row, target);
    }
  }
}

}  // namespace
}  // namespace burin::kernels
