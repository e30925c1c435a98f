// The choice of experts against plain double arithmetic: weights, groups, ties, logits that are no numbers.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

#include "jit/error.hpp"
#include "jit/spec_text.hpp"
#include "templates/route/route_spec.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/host_targets.hpp"
#include "tests/support/kernel_call.hpp"
#include "tests/support/random_values.hpp"

namespace burin::kernels {
namespace {

using tests::GuardedBuffer;
using tests::RandomValues;
using Row = std::vector<float>;

constexpr float kScale = 1.5f;

struct Choice {
  std::vector<int> experts;
  std::vector<double> weights;
};

// Places of the largest values, lower ones first among equals.
std::vector<int> largest(const std::vector<double>& values, std::int64_t count) {
  std::vector<int> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return values[static_cast<std::size_t>(a)] > values[static_cast<std::size_t>(b)];
  });
  order.resize(static_cast<std::size_t>(count));
  return order;
}

Choice expected_choice(const RouteSpec& spec, const Row& logits) {
  const double most = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  const auto group = static_cast<std::size_t>(spec.experts / spec.groups);
  std::vector<double> best;
  for (std::size_t first = 0; first < logits.size(); first += group)
    best.push_back(
        static_cast<double>(*std::max_element(logits.begin() + static_cast<std::ptrdiff_t>(first),
                                              logits.begin() + static_cast<std::ptrdiff_t>(first + group))));
  std::vector<double> candidates(logits.size(), -std::numeric_limits<double>::infinity());
  for (const int chosen : largest(best, spec.groups_used))
    for (std::size_t i = static_cast<std::size_t>(chosen) * group;
         i < static_cast<std::size_t>(chosen + 1) * group; ++i)
      candidates[i] = static_cast<double>(logits[i]);
  Choice choice;
  choice.experts = largest(candidates, spec.used);
  std::sort(choice.experts.begin(), choice.experts.end());
  double all = 0;
  for (const float logit : logits) all += std::exp(static_cast<double>(logit) - most);
  double sum = 0;
  for (const int expert : choice.experts) {
    choice.weights.push_back(std::exp(static_cast<double>(logits[static_cast<std::size_t>(expert)]) - most));
    sum += choice.weights.back();
  }
  for (double& weight : choice.weights) weight *= static_cast<double>(kScale) / (spec.normalise ? sum : all);
  return choice;
}

// What the kernel chooses for rows of logits, which lie among NaNs.
std::vector<Choice> choices(RouteSpec spec, const std::vector<Row>& rows, const jit::Target& target) {
  spec.input_stride = spec.experts + 3;
  spec.output_stride = 2 * spec.used + 1;
  const auto count = static_cast<std::int64_t>(rows.size());
  const GuardedBuffer logits(static_cast<std::size_t>(spec.input_stride * count - 3) * 4, 4);
  std::fill_n(logits.as<float>(), logits.size() / 4, std::numeric_limits<float>::quiet_NaN());
  for (std::int64_t row = 0; row < count; ++row)
    std::copy(rows[static_cast<std::size_t>(row)].begin(), rows[static_cast<std::size_t>(row)].end(),
              logits.as<float>() + row * spec.input_stride);
  const GuardedBuffer routes(static_cast<std::size_t>(spec.output_stride * count - 1) * 4, 4);
  RouteArguments arguments;
  arguments.logits = logits.as<float>();
  arguments.routes = routes.as<float>();
  arguments.rows = count;
  arguments.scale = kScale;
  tests::run_kernel(emit_route(spec, target), arguments);
  std::vector<Choice> made;
  for (std::int64_t row = 0; row < count; ++row) {
    const float* route = routes.as<float>() + row * spec.output_stride;
    Choice choice;
    for (std::int64_t i = 0; i < spec.used; ++i) {
      std::int32_t expert;
      std::memcpy(&expert, route + i, sizeof(expert));
      choice.experts.push_back(expert);
      choice.weights.push_back(static_cast<double>(route[spec.used + i]));
    }
    made.push_back(std::move(choice));
  }
  return made;
}

void check(const RouteSpec& spec, const std::vector<Row>& rows, const jit::Target& target) {
  SCOPED_TRACE(jit::spec_text(spec) + " target " + target.name);
  const std::vector<Choice> made = choices(spec, rows, target);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const Choice expected = expected_choice(spec, rows[row]);
    ASSERT_EQ(made[row].experts, expected.experts) << "row " << row;
    for (std::size_t i = 0; i < expected.weights.size(); ++i)
      ASSERT_NEAR(made[row].weights[i], expected.weights[i], 2e-6 * expected.weights[i] + 1e-30)
          << "row " << row;
  }
}

struct Shape {
  std::int64_t experts, used, groups, groups_used;
};
constexpr Shape kShapes[] = {{1, 1, 1, 1},   {2, 2, 1, 1},   {4, 2, 1, 1},    {8, 2, 1, 1},   {17, 5, 1, 1},
                             {33, 33, 1, 1}, {64, 6, 1, 1},  {60, 4, 3, 1},   {128, 8, 1, 1}, {160, 6, 8, 3},
                             {20, 7, 20, 9}, {256, 8, 8, 4}, {100, 11, 4, 4}, {300, 3, 1, 1}};

RouteSpec spec_of(const Shape& shape, bool normalise) {
  RouteSpec spec;
  spec.experts = shape.experts;
  spec.used = shape.used;
  spec.groups = shape.groups;
  spec.groups_used = shape.groups_used;
  spec.normalise = normalise;
  return spec;
}

TEST(Route, MatchesReference) {
  for (const jit::Target& target : tests::host_targets())
    for (const Shape& shape : kShapes)
      for (const bool normalise : {false, true}) {
        RandomValues random(static_cast<std::uint64_t>(shape.experts * 10 + shape.used));
        std::vector<Row> rows;
        for (int row = 0; row < 5; ++row) {
          rows.push_back(random.values(static_cast<std::size_t>(shape.experts)));
          for (float& logit : rows.back()) logit *= 8;
        }
        check(spec_of(shape, normalise), rows, target);
      }
}

TEST(Route, OfEqualLogitsTheLowerExpertIsChosen) {
  for (const jit::Target& target : tests::host_targets())
    for (const Shape& shape : kShapes) {
      Row few(static_cast<std::size_t>(shape.experts));
      for (std::size_t i = 0; i < few.size(); ++i) few[i] = static_cast<float>(i * 7 % 3);
      check(spec_of(shape, true), {Row(few.size(), -2.5f), few}, target);
    }
}

// Logits so far apart that all weights but one are 0 in float32: the choice is by the logits all the same.
TEST(Route, FarLogits) {
  for (const jit::Target& target : tests::host_targets()) {
    Row far(40);
    for (std::size_t i = 0; i < far.size(); ++i) far[i] = static_cast<float>(i * 11 % 40) * 1e4f;
    check(spec_of({40, 6, 1, 1}, false), {far}, target);
    check(spec_of({40, 6, 4, 2}, false), {far}, target);
  }
}

// Experts index matrices: whatever comes in, they must be different ones that exist.
TEST(Route, LogitsThatAreNoNumbersStillChooseExperts) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const jit::Target& target : tests::host_targets())
    for (const Shape& shape : kShapes)
      for (const float odd : {kNan, -kNan, kInfinity, -kInfinity, 3.4e38f, -3.4e38f}) {
        Row mixed(static_cast<std::size_t>(shape.experts), 1.0f);
        for (std::size_t i = 0; i < mixed.size(); i += 3) mixed[i] = odd;
        for (const Choice& choice : choices(spec_of(shape, true), {Row(mixed.size(), odd), mixed}, target))
          for (std::size_t i = 0; i < choice.experts.size(); ++i) {
            ASSERT_GE(choice.experts[i], i == 0 ? 0 : choice.experts[i - 1] + 1);
            ASSERT_LT(choice.experts[i], shape.experts);
          }
      }
}

TEST(Route, NoRowsTouchNothing) {
  const RouteArguments nothing;  // null pointers
  for (const jit::Target& target : tests::host_targets())
    tests::run_kernel(emit_route(spec_of({8, 2, 1, 1}, true), target), nothing);
}

TEST(Route, RefusesWhatMakesNoSense) {
  for (const Shape& shape : {Shape{0, 1, 1, 1}, Shape{4, 5, 1, 1}, Shape{4, 0, 1, 1}, Shape{6, 2, 4, 2},
                             Shape{8, 5, 4, 2}, Shape{8, 2, 4, 5}, Shape{5000, 2, 1, 1}})
    EXPECT_THROW(emit_route(spec_of(shape, false), jit::host_target()), Error);
  RouteSpec narrow = spec_of({64, 20, 1, 1}, false);
  EXPECT_THROW(emit_route(narrow, jit::host_target()), Error);
  narrow.output_stride = 40;
  EXPECT_NO_THROW(emit_route(narrow, jit::host_target()));
}

}  // namespace
}  // namespace burin::kernels
