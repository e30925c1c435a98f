// Every weight format x activation x regime x epilogue x target against plain double arithmetic.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "jit/spec_text.hpp"
#include "tests/emulation/emulator.hpp"
#include "tests/kernels/gemm_problem.hpp"
#include "tests/support/error_text.hpp"
#include "tests/support/host_targets.hpp"
#include "tests/support/weight_formats.hpp"

namespace burin::kernels {
namespace {

using tests::all_formats;

// Of rows that kernels of all targets multiply.
constexpr Activation kActivations[] = {Activation::f32, Activation::s8, Activation::s8row};

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

// Returns the outputs.
std::vector<float> check_gemm(const Case& what, const Shape& s, const jit::Target& target) {
  GemmSpec spec;
  spec.inputs = s.k;
  spec.weights = what.format;
  spec.activation = what.activation;
  spec.regime = what.regime;
  spec.norm = what.regime == GemmRegime::stream ? what.norm : RowNorm::none;
  spec.epilogue = what.epilogue;
  spec.function = what.function;
  spec.bias = what.epilogue != GemmEpilogue::add && what.function == ActivationFunction::none;
  spec.scaled = (s.k + s.rows) % 2 == 1;  // either, with every epilogue
  GemmProblem problem(spec, s.n, s.rows);
  problem.check(target);
  return problem.outputs();
}

TEST(Gemm, StreamMatchesReference) {
  for (const jit::Target& target : tests::host_targets())
    for (const WeightFormat& format : all_formats())
      for (const Activation activation : kActivations) {
        if (is_int8(activation) && !format.is_integer()) continue;
        for (const GemmEpilogue epilogue : {GemmEpilogue::store, GemmEpilogue::add})
          check_gemm({format, activation, GemmRegime::stream, epilogue}, {172, 65, 1}, target);
        check_gemm({format, activation, GemmRegime::stream, GemmEpilogue::gate, ActivationFunction::silu},
                   {172, 65, 1}, target);
      }
}

TEST(Gemm, FunctionsMatchReference) {
  const WeightFormat int4 = WeightFormat::integer_format(4, true, 32, ScaleType::f16);
  for (const jit::Target& target : tests::host_targets())
    for (const Activation activation : kActivations)
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
      for (const Activation activation : kActivations) {
        if (is_int8(activation) && !format.is_integer()) continue;
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
      for (const Activation activation : kActivations)
        for (const RowNorm norm : {RowNorm::none, RowNorm::rms, RowNorm::layer})
          for (const std::int64_t inputs : {1, 33, 172, 512}) {
            const WeightFormat weights = parse_weight_format(format);
            if (is_int8(activation) && !weights.is_integer()) continue;
            check_gemm({weights, activation, GemmRegime::stream, GemmEpilogue::store, {}, norm},
                       {inputs, 32, 1}, target);
          }
}

TEST(Gemm, TilesMatchReference) {
  for (const jit::Target& target : tests::host_targets())
    for (const WeightFormat& format : all_formats())
      for (const Activation activation : kActivations) {
        if (is_int8(activation) && !format.is_integer()) continue;
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
          for (const Activation activation : {Activation::s8, Activation::s8row})
            check_gemm({int4, activation, GemmRegime::tiles, GemmEpilogue::store}, {k, n, rows}, target);
          check_gemm({f16, Activation::f32, GemmRegime::tiles, GemmEpilogue::gate, ActivationFunction::silu},
                     {k, n, rows}, target);
        }
}

// What a kernel with 16-bit floats is emitted for: targets that the host runs, and the first with AMX; emulated where
// need be.
std::vector<jit::Target> half_targets(Activation type) {
  std::vector<jit::Target> targets;
  const bool bf16 = type == Activation::bf16;
  for (const char* name : {bf16 ? "avx512bf16" : "avx512fp16", bf16 ? "amx-bf16" : "amx-fp16"}) {
    jit::Target target = jit::parse_target(std::string("avx512vnni,") + name);
    if (emulation::can_run(target)) targets.push_back(std::move(target));
  }
  return targets;
}

constexpr Activation kHalves[] = {Activation::bf16, Activation::f16};

TEST(GemmHalves, EveryFormatMatchesReference) {
  const emulation::EmulatedCpu cpu;
  for (const Activation type : kHalves)
    for (const jit::Target& target : half_targets(type))
      for (const WeightFormat& format : all_formats())
        for (const std::int64_t rows : {1, 7, 17, 35})
          check_gemm({format, type, GemmRegime::tiles, GemmEpilogue::add}, {172, 70, rows}, target);
}

TEST(GemmHalves, EveryEpilogueMatchesReference) {
  const emulation::EmulatedCpu cpu;
  const WeightFormat int4 = WeightFormat::integer_format(4, true, 32, ScaleType::f16);
  for (const Activation type : kHalves)
    for (const jit::Target& target : half_targets(type))
      for (const std::int64_t rows : {3, 20}) {
        for (const GemmEpilogue epilogue :
             {GemmEpilogue::store, GemmEpilogue::clamped_gate, GemmEpilogue::add_scaled})
          check_gemm({int4, type, GemmRegime::tiles, epilogue}, {100, 65, rows}, target);
        for (const GemmEpilogue epilogue : {GemmEpilogue::activate, GemmEpilogue::gate})
          check_gemm({int4, type, GemmRegime::tiles, epilogue, ActivationFunction::silu}, {100, 65, rows},
                     target);
      }
}

// Several parts of the inputs, groups of blocks and chunks of rows, none of them whole.
TEST(GemmHalves, OddShapes) {
  const emulation::EmulatedCpu cpu;
  const char* formats[] = {"int4s.g32.f16", "int4a.g32.two", "int8s.g1024.f16", "bf16", "f16"};
  for (const Activation type : kHalves)
    for (const jit::Target& target : half_targets(type))
      for (const char* format : formats)
        for (const Shape& shape : {Shape{1, 1, 1}, Shape{33, 33, 15}, Shape{31, 32, 16}, Shape{64, 31, 31},
                                   Shape{2500, 33, 33}, Shape{1040, 300, 18}, Shape{40, 32, 530}})
          check_gemm({parse_weight_format(format), type, GemmRegime::tiles, GemmEpilogue::store}, shape,
                     target);
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
         {Shape{172, 70, 15}, Shape{172, 70, 16}, Shape{300, 33, 35}, Shape{1100, 32, 18}})
      for (const Activation activation : {Activation::s8, Activation::s8row}) {
        const Case what = {format, activation, GemmRegime::tiles, GemmEpilogue::add};
        ASSERT_EQ(check_gemm(what, shape, amx), check_gemm(what, shape, vectors))
            << to_text(format) << ", " << shape.k << " inputs, " << shape.rows << " rows";
      }
}

TEST(GemmAmx, ManyRowsAndBlocks) {
  const emulation::EmulatedCpu cpu;
  const jit::Target amx = jit::parse_target("amx-int8");
  if (!emulation::can_run(amx)) GTEST_SKIP() << "skipped: this CPU has no AVX-512";
  for (const Shape& shape : {Shape{64, 300, 20}, Shape{40, 32, 530}})
    for (const char* format : {"int4s.g32.f16", "int4a.g128.f16", "int6s.g16.two"})
      for (const Activation activation : {Activation::s8, Activation::s8row})
        check_gemm({parse_weight_format(format), activation, GemmRegime::tiles, GemmEpilogue::gate,
                    ActivationFunction::silu},
                   shape, amx);
}

// An activation without end, or that is no number, spoils every sum of its row, as in plain arithmetic: rounding to int8
// does not hide it. Rows beside it are as they were.
TEST(Gemm, WhatIsNotFiniteIsSeen) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const emulation::EmulatedCpu cpu;
  std::vector<jit::Target> targets = tests::host_targets();
  for (const char* name : {"avx512vnni,avx512fp16", "amx-int8", "amx-bf16", "amx-fp16"})
    if (emulation::can_run(jit::parse_target(name))) targets.push_back(jit::parse_target(name));
  for (const jit::Target& target : targets)
    for (const Activation activation :
         {Activation::f32, Activation::s8, Activation::s8row, Activation::bf16, Activation::f16})
      for (const GemmRegime regime : {GemmRegime::stream, GemmRegime::tiles}) {
        const bool tiles = regime == GemmRegime::tiles;
        if (!computes(target, activation) || (is_half(activation) && !tiles)) continue;
        GemmSpec spec;
        spec.inputs = 100;
        spec.weights = parse_weight_format("int4s.g32.f16");
        spec.activation = activation;
        spec.regime = regime;
        spec.norm = tiles ? RowNorm::none : RowNorm::rms;
        const std::int64_t rows = tiles ? 17 : 1;
        const std::int64_t spoilt = rows / 2;
        for (const float value : {kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()}) {
          GemmProblem problem(spec, 33, rows);
          problem.set_input(spoilt, 37, value);
          SCOPED_TRACE(value);
          problem.check_spoilt(spoilt, target);
        }
      }
}

TEST(GemmHalves, AreRefusedWhereTheyCannotBeHad) {
  GemmSpec spec;
  spec.regime = GemmRegime::tiles;
  spec.activation = Activation::f16;
  EXPECT_THAT(tests::error_of([&] { emit_gemm(spec, jit::parse_target("znver5")); }),
              testing::EndsWith("target 'znver5' has no avx512fp16 to multiply f16 with: use a.f32"));
  spec.activation = Activation::bf16;
  EXPECT_THAT(tests::error_of([&] { emit_gemm(spec, jit::parse_target("avx512vnni")); }),
              testing::EndsWith("target 'avx512vnni' has no avx512bf16 to multiply bf16 with: use a.f32"));
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
  for (const Activation activation : {Activation::s8, Activation::s8row})
    for (const char* format : {"f16", "nf4.g64.f32"}) {
      spec.activation = activation;
      spec.weights = parse_weight_format(format);
      EXPECT_THROW(emit_gemm(spec, jit::host_target()), Error) << format;
    }
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
