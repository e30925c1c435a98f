// Row preparation: norm, quantisation, corrections and padding as templates/activation_rows.hpp says.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "tests/emulation/emulator.hpp"
#include "tests/emulation/host.hpp"
#include "tests/kernels/prepare_problem.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/host_targets.hpp"
#include "tests/support/kernel_call.hpp"
#include "tests/support/random_values.hpp"
#include "tests/support/weight_formats.hpp"

namespace burin::kernels {
namespace {

using tests::GuardedBuffer;
using tests::RandomValues;

constexpr float kEpsilon = 1e-5f;

using Prepared = PrepareProblem;

PrepareSpec spec_of(std::int64_t inputs, const WeightFormat& weights, Activation activation, RowNorm norm) {
  PrepareSpec spec;
  spec.inputs = inputs;
  spec.weights = weights;
  spec.activation = activation;
  spec.norm = norm;
  return spec;
}

// Every format x activation x norm x target; visit(spec, target).
template <typename Visit>
void for_each_spec(std::initializer_list<std::int64_t> widths, Visit visit) {
  for (const jit::Target& target : tests::host_targets())
    for (const WeightFormat& weights : tests::all_formats())
      for (const Activation activation : {Activation::f32, Activation::s8, Activation::s8row}) {
        if (is_int8(activation) && !weights.is_integer()) continue;
        for (const RowNorm norm : {RowNorm::none, RowNorm::rms, RowNorm::layer})
          for (const std::int64_t inputs : widths) visit(spec_of(inputs, weights, activation, norm), target);
      }
}

TEST(Prepare, MatchesReference) {
  for_each_spec({1, 31, 32, 33, 172, 640}, [](const PrepareSpec& spec, const jit::Target& target) {
    RandomValues random(static_cast<std::uint64_t>(spec.inputs) + 7);
    Prepared rows(spec, 3, [&](std::int64_t, std::int64_t) { return 3 * random.value(); });
    rows.run(target);
    rows.check();
  });
}

// Padded inputs past the row's end are zeros whatever the activation type: kernels multiply them.
TEST(Prepare, PaddingIsZero) {
  for_each_spec({33, 172}, [](const PrepareSpec& spec, const jit::Target& target) {
    Prepared rows(spec, 2, [](std::int64_t, std::int64_t) { return 1.0f; });
    rows.run(target);
    for (const std::int64_t row : {0, 1})
      for (std::int64_t i = spec.inputs; i < rows.layout().padded; ++i)
        ASSERT_EQ(spec.activation == Activation::f32 ? rows.value_f32(row, i)
                                                     : static_cast<float>(rows.code(row, i)),
                  0.0f)
            << jit::spec_text(spec) << " input " << i;
  });
}

TEST(Prepare, RowsOfZerosHaveScaleZero) {
  for_each_spec({64, 100}, [](const PrepareSpec& spec, const jit::Target& target) {
    if (spec.activation == Activation::f32 || spec.norm == RowNorm::layer) return;
    // The row between them shows that rows do not mix.
    Prepared rows(spec, 3, [](std::int64_t row, std::int64_t) { return row == 1 ? 1.0f : 0.0f; });
    rows.run(target);
    rows.check();
    for (std::int64_t group = 0; group < rows.layout().groups(); ++group) {
      ASSERT_EQ(rows.scale(0, group), 0.0f) << jit::spec_text(spec);
      ASSERT_EQ(rows.scale(2, group), 0.0f) << jit::spec_text(spec);
    }
  });
}

// Rows of 16-bit floats, on targets that the host has or emulates.
TEST(Prepare, HalvesMatchReference) {
  const emulation::EmulatedCpu cpu;
  const WeightFormat weights = parse_weight_format("int4s.g32.f16");
  for (const auto& [name, type] :
       {std::pair("avx512bf16", Activation::bf16), {"avx512fp16", Activation::f16}}) {
    const jit::Target target = jit::parse_target(name);
    if (!emulation::can_run(target)) continue;
    for (const RowNorm norm : {RowNorm::none, RowNorm::rms, RowNorm::layer})
      for (const std::int64_t inputs : {1, 31, 33, 172, 640})
        for (const float magnitude : {3e38f, 1e15f, 3.0f, 1e-10f, 2e-30f, 1e-41f, 0.0f}) {
          if (norm != RowNorm::none && magnitude > 1e18f) continue;
          SCOPED_TRACE(testing::Message() << "magnitude " << magnitude);
          RandomValues random(static_cast<std::uint64_t>(inputs) + 7);
          Prepared rows(spec_of(inputs, weights, type, norm), 3,
                        [&](std::int64_t, std::int64_t) { return magnitude * random.value(); });
          rows.run(target);
          rows.check();
        }
  }
}

// Magnitudes near both ends of the floats. Squares of the huge ones have no float, so no norm.
TEST(Prepare, ExtremeMagnitudes) {
  for_each_spec({172}, [](const PrepareSpec& spec, const jit::Target& target) {
    for (const float magnitude : {3e38f, 1e20f, 1e15f, 1e-10f, 1e-20f, 2e-30f, 1e-31f, 1e-37f, 1e-41f}) {
      if (spec.norm != RowNorm::none && magnitude > 1e18f) continue;
      RandomValues random(5);
      Prepared rows(spec, 2, [&](std::int64_t, std::int64_t) { return magnitude * random.value(); });
      rows.run(target);
      SCOPED_TRACE(testing::Message() << "magnitude " << magnitude);
      rows.check();
    }
  });
}

// One large value takes the whole range of its group; ties go to even codes.
TEST(Prepare, CodesAreRoundedToNearestEven) {
  const WeightFormat weights = WeightFormat::integer_format(4, true, 32, ScaleType::f16);
  // Largest 127 x 2: scale 2 exactly, so odd inputs are ties.
  constexpr float kInputs[] = {254, -254, 1, 3, 5, -1, -3, -5, 251, -251, 0.99f, 1.01f};
  constexpr int kCodes[] = {127, -127, 0, 2, 2, 0, -2, -2, 126, -126, 0, 1};
  for (const jit::Target& target : tests::host_targets())
    for (const Activation activation : {Activation::s8, Activation::s8row}) {
      Prepared rows(spec_of(std::size(kInputs), weights, activation, RowNorm::none), 1,
                    [&](std::int64_t, std::int64_t i) { return kInputs[i]; });
      rows.run(target);
      rows.check();
      for (std::size_t i = 0; i < std::size(kCodes); ++i)
        EXPECT_EQ(rows.code(0, static_cast<std::int64_t>(i)), kCodes[i])
            << "input " << kInputs[i] << " " << target.name;
    }
}

// A large value takes the digits of its group (s8) or of all groups (s8row), wherever in the row it is.
TEST(Prepare, LargeValuesCostTheirGroupOrTheirRow) {
  const WeightFormat weights = WeightFormat::integer_format(4, true, 32, ScaleType::f16);
  constexpr std::int64_t kInputs = 172;
  for (const jit::Target& target : tests::host_targets())
    for (const std::int64_t place : {std::int64_t{0}, std::int64_t{100}, kInputs - 1})
      for (const Activation activation : {Activation::s8, Activation::s8row}) {
        Prepared rows(spec_of(kInputs, weights, activation, RowNorm::none), 1,
                      [&](std::int64_t, std::int64_t i) { return i == place ? -127000.0f : 127.0f; });
        rows.run(target);
        rows.check();
        for (std::int64_t i = 0; i < kInputs; ++i) {
          const bool loses = activation == Activation::s8row || i / 32 == place / 32;
          ASSERT_EQ(rows.code(0, i), i == place ? -127
                                     : loses    ? 0
                                                : 127)
              << "input " << i << " " << target.name;
        }
      }
}

// Rows in any order, some twice, are bit for bit what they are one after the other.
TEST(Prepare, GathersRowsByNumber) {
  constexpr std::int32_t kNumbers[] = {2, 0, 2, 1, 3};
  constexpr std::int64_t kStored = 4;
  for_each_spec({33, 172}, [&](const PrepareSpec& spec, const jit::Target& target) {
    SCOPED_TRACE(jit::spec_text(spec) + " target " + target.name);
    const ActivationRows layout = activation_rows(spec.activation, spec.inputs, spec.weights);
    PrepareSpec plain = spec;
    plain.input_stride = layout.padded;
    PrepareSpec gather = plain;
    gather.gather = true;
    RandomValues random(11);
    const GuardedBuffer input(static_cast<std::size_t>(layout.padded * kStored) * 4, 4);
    for (std::int64_t row = 0; row < kStored; ++row)
      for (std::int64_t i = 0; i < spec.inputs; ++i)
        input.as<float>()[row * layout.padded + i] = random.value();
    const GuardedBuffer weight(static_cast<std::size_t>(layout.padded) * 4, 4);
    std::fill_n(weight.as<float>(), spec.inputs, 0.75f);
    const GuardedBuffer numbers(sizeof(kNumbers), 4);
    std::memcpy(numbers.as(), kNumbers, sizeof(kNumbers));
    const auto row_bytes = static_cast<std::size_t>(layout.row_bytes);
    const GuardedBuffer stored(row_bytes * kStored);
    const GuardedBuffer gathered(row_bytes * std::size(kNumbers));
    PrepareArguments arguments = {input.as<float>(),  stored.as(), weight.as<float>(),
                                  weight.as<float>(), kStored,     kEpsilon};
    tests::run_kernel(emit_prepare(plain, target), arguments);
    arguments.output = gathered.as();
    arguments.rows = std::size(kNumbers);
    arguments.numbers = numbers.as<std::int32_t>();
    tests::run_kernel(emit_prepare(gather, target), arguments);
    for (std::size_t row = 0; row < std::size(kNumbers); ++row)
      ASSERT_EQ(std::memcmp(gathered.as() + row * row_bytes,
                            stored.as() + static_cast<std::size_t>(kNumbers[row]) * row_bytes, row_bytes),
                0)
          << "row " << row;
  });
}

TEST(Prepare, NoRowsTouchNothing) {
  for_each_spec({64}, [](const PrepareSpec& spec, const jit::Target& target) {
    const PrepareArguments nothing;  // null pointers
    tests::run_kernel(emit_prepare(spec, target), nothing);
  });
}

}  // namespace
}  // namespace burin::kernels
