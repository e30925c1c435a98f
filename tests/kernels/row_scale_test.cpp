// int8 rows with one scale (Activation::s8row): int32 dots over groups of any length.
#include <gtest/gtest.h>

#include <vector>

#include "tests/emulation/emulator.hpp"
#include "tests/kernels/gemm_problem.hpp"
#include "tests/support/host_targets.hpp"

namespace burin::kernels {
namespace {

// Those that the host runs, and AMX, emulated where need be.
std::vector<jit::Target> targets() {
  std::vector<jit::Target> targets = tests::host_targets();
  const jit::Target amx = jit::parse_target("amx-int8");
  if (emulation::can_run(amx)) targets.push_back(amx);
  return targets;
}

// Weight groups are not cut for the scale's sake; whole rows only where an int32 could overflow.
TEST(RowScale, GroupsAreThoseOfTheWeights) {
  const auto group_of = [](const char* weights, std::int64_t inputs) {
    return activation_rows(Activation::s8row, inputs, parse_weight_format(weights)).group;
  };
  EXPECT_EQ(group_of("int4s.g16.f16", 4096), 16);
  EXPECT_EQ(group_of("int4s.g1024.f16", 4096), 1024);
  EXPECT_EQ(group_of("int4s.row.f16", 28672), 28672);
  EXPECT_EQ(group_of("int8a.row.f32", 65536), 65536);
  EXPECT_EQ(group_of("int8a.row.f32", 65600), 64);
  EXPECT_EQ(activation_rows(Activation::s8, 4096, parse_weight_format("int4s.g1024.f16")).group, 128);
}

// All codes but one are the largest there are.
TEST(RowScale, DotsOfTheLongestGroupFitAnInt32) {
  const emulation::EmulatedCpu cpu;
  constexpr std::int64_t kInputs = kLargestInt32Group;
  constexpr std::int64_t kRows = 16;
  GemmSpec spec;
  spec.inputs = kInputs;
  spec.weights = parse_weight_format("int8a.row.f32");
  spec.activation = Activation::s8row;
  spec.regime = GemmRegime::tiles;
  std::vector<float> values(static_cast<std::size_t>(kInputs * 32), 1.0f);
  for (std::size_t column = 0; column < 32; ++column) values[column * kInputs] = 0;
  const StoredMatrix matrix = {reinterpret_cast<const std::byte*>(values.data()), StoredType::f32, 32,
                               kInputs};
  std::vector<ColumnSource> columns(32);
  for (std::int32_t column = 0; column < 32; ++column) columns[static_cast<std::size_t>(column)].row = column;
  const tests::GuardedBuffer packed(packed_shape(spec.weights, kInputs, 32).total_bytes);
  pack_blocks(spec.weights, kInputs, {&matrix, 1}, columns, 0, 1, packed.as());
  const std::vector<float> input(static_cast<std::size_t>(kInputs * kRows), 1.0f);
  const ActivationRows layout = activation_rows(spec.activation, kInputs, spec.weights);
  const tests::GuardedBuffer prepared(static_cast<std::size_t>(layout.row_bytes * kRows));
  const tests::GuardedBuffer scratch(most_gemm_scratch_bytes(spec));
  const tests::GuardedBuffer output(kRows * 32 * sizeof(float), 4);
  for (const jit::Target& target : targets()) {
    prepare_rows(spec.weights, layout, kRows, input.data(), kInputs, target, prepared.as());
    GemmArguments arguments;
    arguments.weights = packed.as();
    arguments.activations = prepared.as();
    arguments.output = output.as<float>();
    arguments.scratch = scratch.as();
    arguments.rows = kRows;
    arguments.last_block = 1;
    tests::run_kernel(emit_gemm(spec, target), arguments);
    for (std::size_t i = 0; i < kRows * 32; ++i)
      ASSERT_NEAR(output.as<float>()[i], kInputs - 1, 0.1) << "output " << i << " " << target.name;
  }
}

// Groups of many parts.
TEST(RowScale, LongRowsMatchReference) {
  const emulation::EmulatedCpu cpu;
  for (const jit::Target& target : targets())
    for (const char* format : {"int4s.row.f16", "int8a.row.f32", "iq4nl.g512.f16"})
      for (const GemmRegime regime : {GemmRegime::stream, GemmRegime::tiles}) {
        GemmSpec spec;
        spec.inputs = 2100;
        spec.weights = parse_weight_format(format);
        spec.activation = Activation::s8row;
        spec.regime = regime;
        GemmProblem(spec, 33, regime == GemmRegime::stream ? 1 : 17).check(target);
      }
}

}  // namespace
}  // namespace burin::kernels
