// Every weight format x activation x regime x epilogue x target against plain double arithmetic.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "jit/spec_text.hpp"
#include "templates/formats/float16.hpp"
#include "templates/gemm/gemm_spec.hpp"
#include "tests/emulation/emulator.hpp"
#include "tests/kernels/prepared_rows.hpp"
#include "tests/kernels/row_reference.hpp"
#include "tests/support/error_text.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/host_targets.hpp"
#include "tests/support/kernel_call.hpp"
#include "tests/support/packed_matrix.hpp"
#include "tests/support/random_values.hpp"
#include "tests/support/weight_formats.hpp"

namespace burin::kernels {
namespace {

using tests::all_formats;
using tests::GuardedBuffer;
using tests::PackedMatrix;
using tests::RandomValues;

constexpr float kEpsilon = 1e-5f;
constexpr float kLimit = 1.5f;  // of clamped gates: within the sums' range
constexpr float kSlope = 1.702f;
constexpr float kFactor = -0.75f;

std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

struct Shape {
  std::int64_t k, n, rows;
};

// What of a GEMM varies between tests.
struct Case {
  WeightFormat format;
  Activation activation = Activation::f32;
  GemmRegime regime = GemmRegime::stream;
  GemmEpilogue epilogue = GemmEpilogue::store;
  ActivationFunction function = ActivationFunction::none;
  RowNorm norm = RowNorm::rms;  // stream only
};

// Those that a kernel multiplies: of bf16 activations, rounded to bf16.
double multiplied_weight(const PackedMatrix& packed, Activation activation, std::int64_t k, std::int64_t c) {
  const float value = packed.value(k, c);
  return static_cast<double>(activation == Activation::bf16 ? bf16_to_f32(f32_to_bf16(value)) : value);
}

// Of an activation, none of which is larger than 4: half a step of a group's scale, or its rounding.
double preparation_tolerance(Activation activation) {
  constexpr double kLargest = 4.0;
  switch (activation) {
    case Activation::s8: return kLargest / 127 * 0.51;
    case Activation::bf16: return kLargest / 512;
    case Activation::f32: return 1e-5;
  }
  return 0;
}

double clamped_product(double gate, double up) {
  const double limit = static_cast<double>(kLimit);
  const double g = std::min(gate, limit);
  return g / (1 + std::exp(-static_cast<double>(kSlope) * g)) * (std::clamp(up, -limit, limit) + 1);
}

// Leaves the outputs in `made` where that is wanted.
void check_gemm(const Case& what, const Shape& s, const jit::Target& target,
                std::vector<float>* made = nullptr) {
  const auto& [format, activation, regime, epilogue, function, norm_kind] = what;
  RandomValues random(static_cast<std::uint64_t>(s.k * 1000 + s.n + s.rows));
  const PackedMatrix packed(format, s.k, s.n, random);
  const std::int64_t columns = packed.shape().columns;
  const ActivationRows rows = activation_rows(activation, s.k, format);
  GemmSpec spec;
  spec.inputs = s.k;
  spec.columns = columns;
  spec.weights = format;
  spec.activation = activation;
  spec.regime = regime;
  spec.norm = regime == GemmRegime::stream ? norm_kind : RowNorm::none;
  spec.epilogue = epilogue;
  spec.function = function;
  spec.bias = epilogue != GemmEpilogue::add && function == ActivationFunction::none;
  spec.scaled = (s.k + s.rows) % 2 == 1;  // either, with every epilogue
  spec.output_stride = halves_columns(epilogue) ? columns / 2 : columns;
  SCOPED_TRACE(jit::spec_text(spec) + " rows " + std::to_string(s.rows) + " target " + target.name);

  const std::int64_t stride = round_up(rows.padded, 32);
  GuardedBuffer input(static_cast<std::size_t>(stride * s.rows) * 4, 4);
  for (std::int64_t m = 0; m < s.rows; ++m)
    for (std::int64_t k = 0; k < s.k; ++k) input.as<float>()[m * stride + k] = random.value();
  GuardedBuffer norm_weight(static_cast<std::size_t>(rows.padded) * 4);
  GuardedBuffer norm_bias(static_cast<std::size_t>(rows.padded) * 4);
  for (std::int64_t k = 0; k < s.k; ++k) {
    norm_weight.as<float>()[k] = 1 + 0.5f * random.value();
    norm_bias.as<float>()[k] = 0.2f * random.value();
  }
  GuardedBuffer prepared(static_cast<std::size_t>(rows.row_bytes * s.rows));
  // Every other row of a larger output, from the last one back.
  const bool scatters = epilogue == GemmEpilogue::add_scaled && regime == GemmRegime::tiles;
  const std::int64_t output_rows = scatters ? 2 * s.rows : s.rows;
  const auto output_row = [&](std::int64_t m) { return scatters ? 2 * (s.rows - m) - 1 : m; };
  GuardedBuffer output(static_cast<std::size_t>(spec.output_stride * output_rows) * 4, 4);
  for (std::size_t i = 0; i < output.size() / 4; ++i) output.as<float>()[i] = random.value();
  const std::vector<float> before(output.as<float>(), output.as<float>() + output.size() / 4);
  const GuardedBuffer numbers(static_cast<std::size_t>(s.rows) * 4, 4);
  const GuardedBuffer factors(static_cast<std::size_t>(s.rows) * 4, 4);
  for (std::int64_t m = 0; m < s.rows; ++m) {
    numbers.as<std::int32_t>()[m] = static_cast<std::int32_t>(output_row(m));
    factors.as<float>()[m] = random.value();
  }
  const GuardedBuffer scratch(gemm_scratch_bytes(spec, target));
  std::memset(scratch.as(), 0xff, scratch.size());
  GuardedBuffer residual(static_cast<std::size_t>(spec.output_stride * s.rows) * 4, 4);
  for (std::size_t i = 0; i < residual.size() / 4; ++i) residual.as<float>()[i] = random.value();
  const std::vector<float> bias = random.values(static_cast<std::size_t>(columns));

  GemmArguments arguments;
  arguments.weights = packed.bytes();
  arguments.activations = prepared.as();
  arguments.output = output.as<float>();
  arguments.residual = residual.as<float>();
  arguments.bias = bias.data();
  arguments.rows = s.rows;
  arguments.last_block = packed.blocks();
  arguments.input = input.as<float>();
  arguments.norm_weight = norm_weight.as<float>();
  arguments.norm_bias = norm_bias.as<float>();
  arguments.epsilon = kEpsilon;
  arguments.limit = kLimit;
  arguments.slope = kSlope;
  arguments.factors = factors.as<float>();
  arguments.scratch = scratch.as();
  if (scatters) arguments.output_rows = numbers.as<std::int32_t>();
  arguments.factor = spec.scaled ? kFactor : std::numeric_limits<float>::quiet_NaN();
  if (regime == GemmRegime::tiles)
    prepare_rows(format, rows, s.rows, input.as<float>(), stride, target, prepared.as());
  tests::run_kernel(emit_gemm(spec, target), arguments);
  if (made != nullptr) made->assign(output.as<float>(), output.as<float>() + output.size() / 4);

  for (std::int64_t m = 0; m < s.rows; ++m) {
    const std::vector<double> a = row_values(rows, prepared.as() + m * rows.row_bytes);
    const std::vector<double> exact =
        tests::normed_row(spec.norm, {input.as<float>() + m * stride, static_cast<std::size_t>(s.k)},
                          norm_weight.as<float>(), norm_bias.as<float>(), kEpsilon);
    double norm = 0;
    for (std::size_t i = 0; i < exact.size(); ++i) {
      norm += exact[i] * exact[i];
      ASSERT_NEAR(a[i], exact[i], preparation_tolerance(activation)) << "row " << m << " input " << i;
    }
    std::vector<double> sums(static_cast<std::size_t>(columns));
    double weight_norm = 0;
    for (std::int64_t c = 0; c < columns; ++c) {
      double sum = 0;
      double squares = 0;
      for (std::int64_t k = 0; k < s.k; ++k) {
        const double w = multiplied_weight(packed, activation, k, c);
        sum += w * a[static_cast<std::size_t>(k)];
        squares += w * w;
      }
      weight_norm = std::max(weight_norm, squares);
      if (spec.bias) sum += static_cast<double>(bias[static_cast<std::size_t>(c)]);
      sums[static_cast<std::size_t>(c)] = spec.scaled ? sum * static_cast<double>(kFactor) : sum;
    }
    const double tolerance =
        4e-6 * std::sqrt(norm * weight_norm) * std::sqrt(static_cast<double>(s.k)) + 2e-6;
    for (std::int64_t c = 0; c < spec.output_stride; ++c) {
      const auto at = static_cast<std::size_t>(c);
      double expected = sums[at];
      if (epilogue == GemmEpilogue::add)
        expected += static_cast<double>(residual.as<float>()[m * spec.output_stride + c]);
      if (epilogue == GemmEpilogue::activate) expected = tests::activated(function, sums[at]);
      if (epilogue == GemmEpilogue::gate) {
        const auto gate = static_cast<std::size_t>(c / 16 * 32 + c % 16);
        expected = tests::activated(function, sums[gate]) * sums[gate + 16];
      }
      if (epilogue == GemmEpilogue::clamped_gate) {
        const auto gate = static_cast<std::size_t>(c / 16 * 32 + c % 16);
        expected = clamped_product(sums[gate], sums[gate + 16]);
      }
      const std::int64_t place = output_row(m) * spec.output_stride + c;
      if (epilogue == GemmEpilogue::add_scaled)
        expected = static_cast<double>(before[static_cast<std::size_t>(place)]) +
                   static_cast<double>(factors.as<float>()[m]) * sums[at];
      ASSERT_NEAR(static_cast<double>(output.as<float>()[place]), expected, tolerance)
          << "row " << m << " column " << c;
    }
  }
  if (!scatters) return;
  for (std::int64_t row = 0; row < output_rows; row += 2)
    for (std::int64_t place = row * spec.output_stride; place < (row + 1) * spec.output_stride; ++place)
      ASSERT_EQ(output.as<float>()[place], before[static_cast<std::size_t>(place)]) << "row " << row;
}

TEST(Gemm, StreamMatchesReference) {
  for (const jit::Target& target : tests::host_targets())
    for (const WeightFormat& format : all_formats())
      for (const Activation activation : {Activation::f32, Activation::s8}) {
        if (activation == Activation::s8 && !format.is_integer()) continue;
        for (const GemmEpilogue epilogue : {GemmEpilogue::store, GemmEpilogue::add})
          check_gemm({format, activation, GemmRegime::stream, epilogue}, {172, 65, 1}, target);
        check_gemm({format, activation, GemmRegime::stream, GemmEpilogue::gate, ActivationFunction::silu},
                   {172, 65, 1}, target);
      }
}

TEST(Gemm, FunctionsMatchReference) {
  const WeightFormat int4 = WeightFormat::integer_format(4, true, 32, ScaleType::f16);
  for (const jit::Target& target : tests::host_targets())
    for (const Activation activation : {Activation::f32, Activation::s8})
      for (const GemmEpilogue epilogue : {GemmEpilogue::activate, GemmEpilogue::gate})
        for (const ActivationFunction function : tests::kActivationFunctions) {
          check_gemm({int4, activation, GemmRegime::stream, epilogue, function}, {100, 65, 1}, target);
          for (const std::int64_t rows : {1, 4, 6})
            check_gemm({int4, activation, GemmRegime::tiles, epilogue, function}, {100, 65, rows}, target);
        }
}

// What experts are multiplied with: gpt-oss' gate, and sums that go to rows by number.
TEST(Gemm, ExpertEpiloguesMatchReference) {
  for (const jit::Target& target : tests::host_targets())
    for (const WeightFormat& format : all_formats())
      for (const Activation activation : {Activation::f32, Activation::s8}) {
        if (activation == Activation::s8 && !format.is_integer()) continue;
        for (const GemmEpilogue epilogue : {GemmEpilogue::clamped_gate, GemmEpilogue::add_scaled}) {
          check_gemm({format, activation, GemmRegime::stream, epilogue}, {172, 65, 1}, target);
          for (const std::int64_t rows : {1, 7})
            check_gemm({format, activation, GemmRegime::tiles, epilogue}, {172, 65, rows}, target);
        }
      }
}

TEST(Gemm, NormsMatchReference) {
  for (const jit::Target& target : tests::host_targets())
    for (const char* format : {"int4s.g32.f16", "int4a.g32.two", "f16"})
      for (const Activation activation : {Activation::f32, Activation::s8})
        for (const RowNorm norm : {RowNorm::none, RowNorm::rms, RowNorm::layer})
          for (const std::int64_t inputs : {1, 33, 172, 512}) {
            const WeightFormat weights = parse_weight_format(format);
            if (activation == Activation::s8 && !weights.is_integer()) continue;
            check_gemm({weights, activation, GemmRegime::stream, GemmEpilogue::store, {}, norm},
                       {inputs, 32, 1}, target);
          }
}

TEST(Gemm, TilesMatchReference) {
  for (const jit::Target& target : tests::host_targets())
    for (const WeightFormat& format : all_formats())
      for (const Activation activation : {Activation::f32, Activation::s8}) {
        if (activation == Activation::s8 && !format.is_integer()) continue;
        for (const std::int64_t rows : {2, 7, 13})
          check_gemm({format, activation, GemmRegime::tiles, GemmEpilogue::add}, {172, 70, rows}, target);
      }
}

TEST(Gemm, OddShapes) {
  const WeightFormat int4 = WeightFormat::integer_format(4, true, 32, ScaleType::f16);
  const WeightFormat f16 = WeightFormat::float_format(WeightKind::f16);
  for (const jit::Target& target : tests::host_targets())
    for (const std::int64_t k : {1, 31, 33, 64, 300})
      for (const std::int64_t n : {1, 31, 32, 33, 96})
        for (const std::int64_t rows : {1, 3, 5, 6, 8}) {
          check_gemm({int4, Activation::s8, GemmRegime::tiles, GemmEpilogue::store}, {k, n, rows}, target);
          check_gemm({f16, Activation::f32, GemmRegime::tiles, GemmEpilogue::gate, ActivationFunction::silu},
                     {k, n, rows}, target);
        }
}

// What a bf16 kernel is emitted for: targets that the host runs, and the first with AMX, emulated where need be.
std::vector<jit::Target> bf16_targets() {
  std::vector<jit::Target> targets = tests::host_targets();
  std::erase_if(targets, [](const jit::Target& target) { return !computes(target, Activation::bf16); });
  const jit::Target amx = jit::parse_target("avx512vnni,amx-bf16");
  if (emulation::can_run(amx)) targets.push_back(amx);
  return targets;
}

TEST(GemmBf16, EveryFormatMatchesReference) {
  const emulation::EmulatedCpu cpu;
  for (const jit::Target& target : bf16_targets())
    for (const WeightFormat& format : all_formats())
      for (const std::int64_t rows : {1, 7, 17, 35})
        if (!format.has_factors())
          check_gemm({format, Activation::bf16, GemmRegime::tiles, GemmEpilogue::add}, {172, 70, rows},
                     target);
}

TEST(GemmBf16, EveryEpilogueMatchesReference) {
  const emulation::EmulatedCpu cpu;
  const WeightFormat int4 = WeightFormat::integer_format(4, true, 32, ScaleType::f16);
  for (const jit::Target& target : bf16_targets())
    for (const std::int64_t rows : {3, 20}) {
      for (const GemmEpilogue epilogue :
           {GemmEpilogue::store, GemmEpilogue::clamped_gate, GemmEpilogue::add_scaled})
        check_gemm({int4, Activation::bf16, GemmRegime::tiles, epilogue}, {100, 65, rows}, target);
      for (const GemmEpilogue epilogue : {GemmEpilogue::activate, GemmEpilogue::gate})
        check_gemm({int4, Activation::bf16, GemmRegime::tiles, epilogue, ActivationFunction::silu},
                   {100, 65, rows}, target);
    }
}

// Several parts of the inputs, groups of blocks and chunks of rows, none of them whole.
TEST(GemmBf16, OddShapes) {
  const emulation::EmulatedCpu cpu;
  const char* formats[] = {"int4s.g32.f16", "int4a.g32.two", "int8s.g1024.f16", "bf16", "f16"};
  for (const jit::Target& target : bf16_targets())
    for (const char* format : formats)
      for (const Shape& shape : {Shape{1, 1, 1}, Shape{33, 33, 15}, Shape{31, 32, 16}, Shape{64, 31, 31},
                                 Shape{2500, 33, 33}, Shape{1040, 300, 18}, Shape{40, 32, 530}})
        check_gemm({parse_weight_format(format), Activation::bf16, GemmRegime::tiles, GemmEpilogue::store},
                   shape, target);
}

// Sums of int8 products on AMX are those of vectors bit for bit, whatever is multiplied where.
TEST(GemmAmx, Int8EqualsVectors) {
  const emulation::EmulatedCpu cpu;
  const jit::Target vectors = jit::parse_target("avx512vnni");
  const jit::Target amx = jit::parse_target("amx-int8");
  if (!emulation::can_run(amx)) GTEST_SKIP() << "skipped: this CPU has no AVX-512";
  std::vector<WeightFormat> formats = all_formats();
  std::erase_if(formats, [](const WeightFormat& format) { return !format.is_integer(); });
  for (const WeightFormat& format : formats)
    for (const Shape& shape :
         {Shape{172, 70, 15}, Shape{172, 70, 16}, Shape{300, 33, 35}, Shape{1100, 32, 18}}) {
      std::vector<float> made;
      std::vector<float> expected;
      const Case what = {format, Activation::s8, GemmRegime::tiles, GemmEpilogue::add};
      check_gemm(what, shape, amx, &made);
      check_gemm(what, shape, vectors, &expected);
      ASSERT_EQ(made, expected) << to_text(format) << ", " << shape.k << " inputs, " << shape.rows << " rows";
    }
}

TEST(GemmAmx, ManyRowsAndBlocks) {
  const emulation::EmulatedCpu cpu;
  const jit::Target amx = jit::parse_target("amx-int8");
  if (!emulation::can_run(amx)) GTEST_SKIP() << "skipped: this CPU has no AVX-512";
  for (const Shape& shape : {Shape{64, 300, 20}, Shape{40, 32, 530}})
    for (const char* format : {"int4s.g32.f16", "int4a.g128.f16", "int6s.g16.two"})
      check_gemm({parse_weight_format(format), Activation::s8, GemmRegime::tiles, GemmEpilogue::gate,
                  ActivationFunction::silu},
                 shape, amx);
}

TEST(GemmBf16, IsRefusedWhereItCannotBeHad) {
  GemmSpec spec;
  spec.activation = Activation::bf16;
  spec.regime = GemmRegime::tiles;
  EXPECT_THAT(tests::error_of([&] { emit_gemm(spec, jit::parse_target("avx512vnni")); }),
              testing::EndsWith("target 'avx512vnni' has no avx512bf16 to multiply bf16 with: use a.f32"));
  spec.weights = parse_weight_format("e2m1.g16.e4m3");
  EXPECT_THAT(tests::error_of([&] { emit_gemm(spec, jit::parse_target("znver5")); }),
              testing::EndsWith("cannot be widened to bf16: use a.f32 or a.s8"));
  spec.weights = {};
  spec.regime = GemmRegime::stream;
  EXPECT_THAT(tests::error_of([&] { emit_gemm(spec, jit::parse_target("znver5")); }),
              testing::EndsWith("a single row is bound by memory, whatever it is multiplied in: use a.f32"));
}

TEST(Gemm, EmissionIsDeterministic) {
  GemmSpec spec;
  spec.inputs = 256;
  spec.columns = 64;
  spec.weights = WeightFormat::integer_format(5, false, 64, ScaleType::f16);
  spec.activation = Activation::s8;
  spec.regime = GemmRegime::tiles;
  for (const jit::Target& target : tests::host_targets())
    EXPECT_EQ(emit_gemm(spec, target).bytes, emit_gemm(spec, target).bytes);
}

TEST(Gemm, SpecTextRoundTrips) {
  GemmSpec spec;
  spec.inputs = 4096;
  spec.columns = 12288;
  spec.weights = WeightFormat::integer_format(4, true, 32, ScaleType::f16);
  spec.activation = Activation::s8;
  spec.epilogue = GemmEpilogue::rope_kv;
  spec.heads = {32, 32, 128, KvStorage::bf16};
  const std::string text = jit::spec_text(spec);
  EXPECT_EQ(
      text,
      "gemm-k.4096-n.12288-w.int4s.g32.f16-a.s8-m.stream-norm.none-out.rope_kv-f.none-bias.0-scaled.0-os.32-"
      "heads.h32.32.128.bf16");
  EXPECT_EQ(jit::parse_spec<GemmSpec>(text), spec);
}

TEST(Gemm, RefusesWhatItCannotDo) {
  GemmSpec spec;
  spec.weights = WeightFormat::float_format(WeightKind::f16);
  spec.activation = Activation::s8;
  EXPECT_THROW(emit_gemm(spec, jit::host_target()), Error);
  spec.weights = parse_weight_format("nf4.g64.f32");
  EXPECT_THROW(emit_gemm(spec, jit::host_target()), Error);
  spec.activation = Activation::f32;
  spec.columns = 33;
  EXPECT_THROW(emit_gemm(spec, jit::host_target()), Error);
  spec.columns = 32;
  spec.function = ActivationFunction::silu;
  EXPECT_THROW(emit_gemm(spec, jit::host_target()), Error);
  spec.function = ActivationFunction::none;
  spec.epilogue = GemmEpilogue::gate;
  EXPECT_THROW(emit_gemm(spec, jit::host_target()), Error);
}

}  // namespace
}  // namespace burin::kernels
