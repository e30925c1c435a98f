// Disassemblies say what every register of a loop is for, whatever the kernel.
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <string_view>

#include "jit/disassembler.hpp"
#include "templates/manifest/manifest.hpp"
#include "templates/probe/probe_spec.hpp"

namespace burin::kernels {
namespace {

// VEX; EVEX; tiles.
constexpr std::string_view kTargets[] = {"haswell", "znver5", "graniterapids"};
constexpr KernelShape kShape = {96, 64, 4, 2, 64};
// Of the rows of formats, which are many and alike, and of the others.
constexpr std::size_t kEveryFormat = 41;
constexpr std::size_t kEveryOther = 3;

bool has_vector_name(std::string_view text) {
  for (const std::string_view name : {"xmm", "ymm", "zmm", "tmm"})
    if (text.find(name) != std::string_view::npos) return true;
  return text.find("{k") != std::string_view::npos;
}

// Instructions of loops with a vector, mask or tile register whose role is not said.
void expect_roles(const jit::CodeImage& image, std::string_view target) {
  std::istringstream lines(disassemble(image, jit::Offsets::left_out));
  int named = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("  | ")) continue;
    const std::string_view instruction = std::string_view(line).substr(0, line.find(';'));
    if (!has_vector_name(instruction)) continue;
    ASSERT_NE(instruction.size(), line.size()) << image.name << " for " << target << ":" << line;
    ASSERT_FALSE(has_vector_name(line.substr(instruction.size())))
        << image.name << " for " << target << ":" << line;
    ++named;
  }
  // Rows of floats are embedded through general registers.
  EXPECT_TRUE(named > 0 || image.name.starts_with("embed-")) << image.name << " for " << target;
}

TEST(RegisterRoles, VectorsInLoopsOfAllKindsHaveThem) {
  for (const std::string_view name : kTargets) {
    const jit::Target target = jit::parse_target(name).with_roles();
    std::size_t formats = 0;
    std::size_t others = 0;
    std::size_t kernels = 0;
    for (const ManifestRow& row : manifest()) {
      const bool of_format =
          row.name.starts_with("gemm/") || row.name.starts_with("embed/") || row.name.starts_with("prepare/");
      if (of_format ? ++formats % kEveryFormat != 0 : ++others % kEveryOther != 0) continue;
      if (!refusal_of(row, target).empty()) continue;
      expect_roles(emit_kernel(with_shape(parse_kernel_name(row.kernel), kShape), target), name);
      ++kernels;
    }
    EXPECT_GT(kernels, 100u) << name;
    for (const Probe probe : {Probe::read, Probe::dot_int8}) expect_roles(emit_probe({probe}, target), name);
  }
}

TEST(RegisterRoles, ChangeNothingOfTheCode) {
  for (const std::string_view name : kTargets) {
    const jit::Target target = jit::parse_target(name);
    const KernelSpec spec = GemmSpec();
    const jit::CodeImage plain = emit_kernel(spec, target);
    const jit::CodeImage with_roles = emit_kernel(spec, target.with_roles());
    EXPECT_TRUE(plain.roles.empty());
    EXPECT_FALSE(with_roles.roles.empty());
    EXPECT_EQ(plain.bytes, with_roles.bytes);
    EXPECT_EQ(plain.unwind, with_roles.unwind);
    EXPECT_EQ(plain.features, with_roles.features);
  }
}

}  // namespace
}  // namespace burin::kernels
