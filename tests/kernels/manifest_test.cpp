// Every row of the manifest for every target: emitted, or refused with what would do instead.
#include "templates/manifest/manifest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "jit/error.hpp"
#include "tests/kernels/target_names.hpp"
#include "tests/support/refusal.hpp"

namespace burin::kernels {
namespace {

using testing::HasSubstr;

const std::vector<ManifestRow>& rows() {
  static const std::vector<ManifestRow> all = manifest();
  return all;
}

const ManifestRow& row_named(std::string_view name) {
  const auto found =
      std::find_if(rows().begin(), rows().end(), [&](const auto& row) { return row.name == name; });
  if (found == rows().end()) throw Error("no row " + std::string(name));
  return *found;
}

TEST(Manifest, RowsAndKernelsAreUnique) {
  std::set<std::string> names;
  std::set<std::string> kernels;
  for (const ManifestRow& row : rows()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_TRUE(kernels.insert(row.kernel).second) << row.name << " is another row's kernel " << row.kernel;
  }
}

// A combination of each axis of the matrix, what no spec can express yet among them.
TEST(Manifest, HasTheMatrix) {
  for (const char* name :
       {"gemm/int1s.g32.f32/s8/stream/store", "gemm/int8a.row.bf16/bf16/tiles/store",
        "gemm/int3a.g16.two/s8/tiles/store", "gemm/int4s.g16.f16/s8/stream/store",
        "gemm/e4m3.g128.f32/bf16/tiles/store", "gemm/e5m2.g32.f16/f16/stream/store",
        "gemm/nf4.g64.f32/s8/stream/store", "gemm/e2m1.g32.e8m0/s8row/tiles/store",
        "gemm/bf16/bf16/tiles/gate/silu", "gemm/int4s.g32.f16/s8/stream/rope_kv/bf16",
        "prepare/int4a.g1024.f16/s8/none", "embed/iq3xxs.g32.two", "attention/gqa/int8/int8/all",
        "attention/latent/bf16/f32/parts", "heads/int8/rms/head", "latent/f16/layer", "rowwise/soft_cap",
        "rowwise/activate/gelu_erf", "route/top6/groups8"})
    EXPECT_NO_THROW(row_named(name)) << name;
}

TEST(Manifest, EveryKindHasRows) {
  std::map<std::string, int> kinds;
  for (const ManifestRow& row : rows()) ++kinds[row.name.substr(0, row.name.find('/'))];
  EXPECT_EQ(kinds.size(), std::variant_size_v<KernelSpec>);
}

// Sizes come from the shape alone, and a group that is the whole row stays so.
TEST(Manifest, RowsTakeOtherShapes) {
  KernelShape shape;
  shape.inputs = 100;
  shape.columns = 33;
  const auto gemm = [&](std::string_view name) {
    return std::get<GemmSpec>(with_shape(parse_kernel_name(row_named(name).kernel), shape));
  };
  const GemmSpec gate = gemm("gemm/int4s.g32.f16/s8/tiles/gate/silu");
  EXPECT_EQ(gate.inputs, 100);
  EXPECT_EQ(gate.columns, 64);
  EXPECT_EQ(gate.output_stride, 32);
  EXPECT_EQ(gate.weights.group, 32);
  EXPECT_TRUE(gemm("gemm/int4s.row.f16/s8/tiles/store").weights.is_whole_row());
  EXPECT_EQ(gemm("gemm/int4s.g1024.f16/s8/tiles/store").weights.group, 1024);
}

class ManifestOf : public testing::TestWithParam<std::string> {};

TEST_P(ManifestOf, EveryRowIsEmittedOrRefused) {
  const jit::Target target = jit::parse_target(GetParam());
  std::size_t emitted = 0;
  for (const ManifestRow& row : rows()) {
    const std::string refusal = refusal_of(row, target);
    if (!refusal.empty()) {
      ASSERT_TRUE(tests::is_one_line(refusal)) << row.name << ": " << refusal;
      ASSERT_THAT(refusal, testing::AnyOf(HasSubstr("use "), HasSubstr("write "))) << row.name;
      continue;
    }
    ++emitted;
    const KernelSpec spec = parse_kernel_name(row.kernel);
    ASSERT_EQ(kernel_name(spec), row.kernel) << row.name;
    ASSERT_EQ(with_shape(spec, {}), spec) << row.name;
  }
  EXPECT_GT(emitted, rows().size() / 5);
}

INSTANTIATE_TEST_SUITE_P(Target, ManifestOf, testing::ValuesIn(tests::target_names()),
                         tests::target_test_name);

}  // namespace
}  // namespace burin::kernels
