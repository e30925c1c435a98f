// The choice of experts against plain double arithmetic: weights, groups, ties, logits that are no numbers.
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "jit/error.hpp"
#include "tests/kernels/route_check.hpp"
#include "tests/support/host_targets.hpp"
#include "tests/support/random_values.hpp"

namespace burin::kernels {
namespace {

using tests::RandomValues;
using Row = std::vector<float>;

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
        check_route(spec_of(shape, normalise), rows, target);
      }
}

TEST(Route, OfEqualLogitsTheLowerExpertIsChosen) {
  for (const jit::Target& target : tests::host_targets())
    for (const Shape& shape : kShapes) {
      Row few(static_cast<std::size_t>(shape.experts));
      for (std::size_t i = 0; i < few.size(); ++i) few[i] = static_cast<float>(i * 7 % 3);
      check_route(spec_of(shape, true), {Row(few.size(), -2.5f), few}, target);
    }
}

// Logits so far apart that all weights but one are 0 in float32: the choice is by the logits all the same.
TEST(Route, FarLogits) {
  for (const jit::Target& target : tests::host_targets()) {
    Row far(40);
    for (std::size_t i = 0; i < far.size(); ++i) far[i] = static_cast<float>(i * 11 % 40) * 1e4f;
    check_route(spec_of({40, 6, 1, 1}, false), {far}, target);
    check_route(spec_of({40, 6, 4, 2}, false), {far}, target);
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
        for (const RouteChoice& choice :
             route_choices(spec_of(shape, true), {Row(mixed.size(), odd), mixed}, target))
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
