// Every code of fp8 weights, through kernels: to the last bit, whatever the caller thinks of denormal numbers.
#include <gtest/gtest.h>
#include <xmmintrin.h>

#include <bit>
#include <vector>

#include "templates/embed/embed_spec.hpp"
#include "templates/formats/packing.hpp"
#include "templates/gemm/gemm_spec.hpp"
#include "tests/kernels/prepared_rows.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/host_targets.hpp"

namespace burin::kernels {
namespace {

using tests::GuardedBuffer;

constexpr std::int64_t kInputs = 256;
constexpr std::int64_t kColumns = 64;
constexpr unsigned kDenormalsAreZero = 0x8040;  // DAZ and FTZ of MXCSR

// Input k of row r is code k + r, or 0 where that is no number, under a scale of 1.
class EveryCode final : public CodedMatrix {
 public:
  explicit EveryCode(WeightKind kind)
      : CodedMatrix(WeightFormat::fp8_format(kind, 64, ScaleType::f32), kInputs) {}

  static unsigned code(const WeightFormat& format, std::int64_t row, std::int64_t input) {
    const auto code = static_cast<unsigned>((row + input) % 256);
    return format.float8().is_number(code) ? code : 0;
  }
  QuantizedGroup read_group(std::int64_t row, std::int64_t first,
                            std::span<std::uint8_t> codes) const override {
    for (std::size_t i = 0; i < codes.size(); ++i)
      codes[i] = static_cast<std::uint8_t>(code(format(), row, first + static_cast<std::int64_t>(i)));
    return {std::bit_cast<std::uint32_t>(1.0f), 0};
  }
};

void pack(const EveryCode& codes, std::byte* out) {
  std::vector<ColumnSource> columns;
  for (std::int32_t row = 0; row < kColumns; ++row) columns.push_back({0, row});
  const StoredMatrix matrix = {nullptr, StoredType::f32, kColumns, kInputs, &codes};
  pack_blocks(codes.format(), kInputs, {&matrix, 1}, columns, 0, kColumns / kBlockColumns, out);
}

// Row k has a 1 at input k: its product is input k of all columns.
std::vector<float> multiplied(const WeightFormat& format, const GuardedBuffer& weights,
                              const jit::Target& target) {
  GemmSpec spec;
  spec.inputs = kInputs;
  spec.columns = spec.output_stride = kColumns;
  spec.weights = format;
  spec.regime = GemmRegime::tiles;
  const ActivationRows rows = activation_rows(Activation::f32, kInputs, format);
  const GuardedBuffer input(static_cast<std::size_t>(rows.row_bytes * kInputs));
  for (std::int64_t k = 0; k < kInputs; ++k) input.as<float>()[k * (rows.row_bytes / 4) + k] = 1;
  std::vector<float> output(static_cast<std::size_t>(kInputs * kColumns));
  GemmArguments arguments;
  arguments.weights = weights.as();
  arguments.activations = input.as();
  arguments.output = output.data();
  arguments.rows = kInputs;
  arguments.last_block = kColumns / kBlockColumns;
  tests::run_kernel(emit_gemm(spec, target), arguments);
  return output;
}

std::vector<float> looked_up(const WeightFormat& format, const GuardedBuffer& weights,
                             const jit::Target& target) {
  EmbedSpec spec;
  spec.width = spec.output_stride = kInputs;
  spec.vocabulary = kColumns;
  spec.weights = format;
  std::vector<std::int32_t> tokens;
  for (std::int32_t token = 0; token < kColumns; ++token) tokens.push_back(token);
  std::vector<float> output(static_cast<std::size_t>(kInputs * kColumns));
  const EmbedArguments arguments = {weights.as(), tokens.data(), output.data(), kColumns};
  tests::run_kernel(emit_embed(spec, target), arguments);
  return output;
}

void expect_every_code(const jit::Target& target) {
  for (const WeightKind kind : {WeightKind::e4m3, WeightKind::e5m2}) {
    const EveryCode codes(kind);
    const GuardedBuffer weights(packed_shape(codes.format(), kInputs, kColumns).total_bytes);
    pack(codes, weights.as());
    const std::vector<float> products = multiplied(codes.format(), weights, target);
    const std::vector<float> rows = looked_up(codes.format(), weights, target);
    for (std::int64_t column = 0; column < kColumns; ++column)
      for (std::int64_t k = 0; k < kInputs; ++k) {
        const unsigned code = EveryCode::code(codes.format(), column, k);
        const float value = float8_to_f32(codes.format().float8(), code);
        ASSERT_EQ(products[static_cast<std::size_t>(k * kColumns + column)], value)
            << target.name << " " << code;
        ASSERT_EQ(rows[static_cast<std::size_t>(column * kInputs + k)], value) << target.name << " " << code;
      }
  }
}

TEST(Float8Kernels, EveryCode) {
  for (const jit::Target& target : tests::host_targets()) expect_every_code(target);
}

TEST(Float8Kernels, EveryCodeWhereDenormalsAreZero) {
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | kDenormalsAreZero);
  for (const jit::Target& target : tests::host_targets()) expect_every_code(target);
  _mm_setcsr(before);
}

TEST(Float8Kernels, Int8ComputeIsRefused) {
  GemmSpec spec;
  spec.weights = parse_weight_format("e4m3.g128.f32");
  for (const Activation activation : {Activation::s8, Activation::s8row}) {
    spec.activation = activation;
    EXPECT_THROW(emit_gemm(spec, jit::host_target()), Error);
  }
}

}  // namespace
}  // namespace burin::kernels
