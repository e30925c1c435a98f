// The epilogue of merged QKV matrices: rotated queries to the output, rotated keys and values to the cache.
#include <gtest/gtest.h>

#include <vector>

#include "jit/error.hpp"
#include "jit/spec_text.hpp"
#include "templates/gemm/gemm_spec.hpp"
#include "tests/kernels/prepared_rows.hpp"
#include "tests/kernels/stored_heads.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/host_targets.hpp"
#include "tests/support/kernel_call.hpp"
#include "tests/support/packed_matrix.hpp"
#include "tests/support/random_values.hpp"

namespace burin::kernels {
namespace {

using tests::GuardedBuffer;
using tests::PackedMatrix;
using tests::RandomValues;

constexpr std::int64_t kInputs = 40;
constexpr std::int64_t kInputStride = 64;

// Columns that fill up blocks and heads have no weights.
std::vector<ColumnSource> merged_sources(const HeadLayout& heads) {
  const std::vector<bool> real = tests::merged_columns(heads);
  std::vector<ColumnSource> columns(real.size());
  for (std::size_t i = 0; i < real.size(); ++i)
    if (real[i]) columns[i].row = static_cast<std::int32_t>(i);
  return columns;
}

// One call's operands in guarded memory, and the same result by plain arithmetic.
class Problem {
 public:
  Problem(const GemmSpec& spec, std::int64_t rows, std::int64_t position)
      : spec_(spec),
        rows_(rows),
        position_(position),
        random_(static_cast<std::uint64_t>(spec.heads.head_size * 100 + rows)),
        packed_(spec.weights, kInputs, merged_sources(spec.heads), random_),
        layout_(activation_rows(spec.activation, kInputs, spec.weights)),
        input_(static_cast<std::size_t>(kInputStride * rows) * 4),
        activations_(static_cast<std::size_t>(layout_.row_bytes * rows)),
        bias_(static_cast<std::size_t>(spec.columns) * 4, 4),
        stored_(spec.heads, rows, position, spec.output_stride, random_) {
    for (std::int64_t row = 0; row < rows; ++row)
      for (std::int64_t i = 0; i < kInputs; ++i) input_.as<float>()[row * kInputStride + i] = random_.value();
    const std::vector<bool> real = tests::merged_columns(spec.heads);
    for (std::size_t i = 0; i < real.size(); ++i)
      if (spec.bias && real[i]) bias_.as<float>()[i] = random_.value();
  }

  void check(const jit::Target& target) {
    SCOPED_TRACE(jit::spec_text(spec_) + " rows " + std::to_string(rows_) + " position " +
                 std::to_string(position_) + " target " + target.name);
    run(target);
    for (std::int64_t row = 0; row < rows_; ++row) {
      compute_sums(row);
      stored_.check_row(row, sums_, kTolerance);
    }
    stored_.check_the_rest();
  }

 private:
  const HeadLayout& heads() const { return spec_.heads; }

  // Two calls share the blocks, as threads do.
  void run(const jit::Target& target) {
    GemmArguments arguments;
    arguments.weights = packed_.bytes();
    arguments.activations = activations_.as();
    arguments.output = stored_.output();
    arguments.bias = bias_.as<float>();
    arguments.rows = rows_;
    arguments.input = input_.as<float>();
    arguments.kv = stored_.kv();
    if (spec_.regime == GemmRegime::tiles)
      prepare_rows(spec_.weights, layout_, rows_, input_.as<float>(), kInputStride, target,
                   activations_.as());
    const jit::CodeImage image = emit_gemm(spec_, target);
    for (const std::int64_t first : {std::int64_t{0}, packed_.blocks() / 2}) {
      arguments.first_block = first;
      arguments.last_block = first == 0 ? packed_.blocks() / 2 : packed_.blocks();
      tests::run_kernel(image, arguments);
    }
  }

  void compute_sums(std::int64_t row) {
    const std::vector<double> a = row_values(layout_, activations_.as() + row * layout_.row_bytes);
    sums_.clear();
    for (std::int64_t column = 0; column < spec_.columns; ++column) {
      auto sum = static_cast<double>(bias_.as<float>()[column]);
      for (std::int64_t i = 0; i < kInputs; ++i)
        sum += a[static_cast<std::size_t>(i)] * static_cast<double>(packed_.value(i, column));
      sums_.push_back(sum);
    }
  }

  static constexpr double kTolerance = 3e-6;  // sums of 40 products of at most 0.1, and a bias of at most 1

  GemmSpec spec_;
  std::int64_t rows_;
  std::int64_t position_;
  RandomValues random_;
  PackedMatrix packed_;
  ActivationRows layout_;
  GuardedBuffer input_;
  GuardedBuffer activations_;
  GuardedBuffer bias_;
  tests::StoredHeads stored_;
  std::vector<double> sums_;
};

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
          for (const Activation activation : {Activation::f32, Activation::s8}) {
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
      for (const Activation activation : {Activation::f32, Activation::s8})
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
