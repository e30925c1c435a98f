// The epilogue of merged QKV matrices: rotated queries to the output, rotated keys and values to the cache.
#include <gtest/gtest.h>

#include "jit/error.hpp"
#include "tests/kernels/rope_kv_problem.hpp"
#include "tests/support/host_targets.hpp"

namespace burin::kernels {
namespace {

using Problem = RopeKvProblem;

constexpr std::int64_t kInputs = 40;

GemmSpec spec_of(const HeadLayout& heads, const WeightFormat& weights, Activation activation,
                 GemmRegime regime) {
  GemmSpec spec;
  spec.inputs = kInputs;
  spec.columns = heads.blocks() * 32;
  spec.weights = weights;
  spec.activation = activation;
  spec.regime = regime;
  spec.epilogue = GemmEpilogue::rope_kv;
  spec.heads = heads;
  spec.output_stride = heads.query_blocks() * 32 + 7;
  return spec;
}

const WeightFormat kInt4 = WeightFormat::integer_format(4, true, 32, ScaleType::f16);

// MHA, GQA, MQA; three KV heads make an odd number of value halves.
constexpr std::pair<int, int> kHeads[] = {{4, 4}, {4, 2}, {6, 1}, {8, 2}, {3, 3}};

TEST(RopeKv, HeadSizesMatchReference) {
  for (const jit::Target& target : tests::host_targets())
    for (const KvStorage kv : {KvStorage::f32, KvStorage::f16, KvStorage::bf16})
      for (const auto& [query_heads, kv_heads] : kHeads)
        for (const int head_size : {2, 8, 20, 48, 64, 80, 128, 130})
          for (const Activation activation : {Activation::f32, Activation::s8, Activation::s8row}) {
            const HeadLayout heads = {query_heads, kv_heads, head_size, kv};
            Problem(spec_of(heads, kInt4, activation, GemmRegime::stream), 1, 5).check(target);
            Problem(spec_of(heads, kInt4, activation, GemmRegime::tiles), 3, 62).check(target);
          }
}

// Tiles of every size and several per call; the rows cross into the next 64 positions.
TEST(RopeKv, RowsMatchReference) {
  for (const jit::Target& target : tests::host_targets())
    for (const KvStorage kv : {KvStorage::f32, KvStorage::f16, KvStorage::bf16})
      for (const WeightFormat& weights : {kInt4, WeightFormat::float_format(WeightKind::bf16)})
        for (const std::int64_t rows : {1, 2, 4, 5, 6, 7, 13})
          for (const std::int64_t position : {0, 59, 64, 127}) {
            const Activation activation = weights.is_integer() ? Activation::s8 : Activation::f32;
            Problem(spec_of({4, 2, 20, kv}, weights, activation, GemmRegime::tiles), rows, position)
                .check(target);
          }
}

TEST(RopeKv, PositionsOfSingleRowsMatchReference) {
  for (const jit::Target& target : tests::host_targets())
    for (const KvStorage kv : {KvStorage::f32, KvStorage::f16, KvStorage::bf16})
      for (const Activation activation : {Activation::f32, Activation::s8, Activation::s8row})
        for (const std::int64_t position : {0, 1, 62, 63, 64, 65, 300}) {
          GemmSpec spec = spec_of({6, 2, 36, kv}, kInt4, activation, GemmRegime::stream);
          spec.bias = position % 2 == 0;  // as Qwen2 has
          Problem(spec, 1, position).check(target);
        }
}

TEST(RopeKv, RefusesInt8CachesWhoseScalesAreOfWholeHeads) {
  const HeadLayout heads = {4, 2, 64, KvStorage::int8};
  EXPECT_THROW(emit_gemm(spec_of(heads, kInt4, Activation::f32, GemmRegime::stream), jit::host_target()),
               Error);
}

TEST(RopeKv, RefusesHeadsThatDoNotFit) {
  const HeadLayout heads = {4, 2, 64, KvStorage::f32};
  const GemmSpec fits = spec_of(heads, kInt4, Activation::f32, GemmRegime::tiles);
  EXPECT_NO_THROW(emit_gemm(fits, jit::host_target()));
  GemmSpec spec = fits;
  spec.columns += 32;
  EXPECT_THROW(emit_gemm(spec, jit::host_target()), Error);
  spec = fits;
  spec.heads.head_size = 63;
  EXPECT_THROW(emit_gemm(spec, jit::host_target()), Error);
  spec = fits;
  spec.heads.kv_heads = 3;
  spec.columns = spec.heads.blocks() * 32;
  EXPECT_THROW(emit_gemm(spec, jit::host_target()), Error);
}

}  // namespace
}  // namespace burin::kernels
