// The choice of experts of given logits, by a kernel and in plain double arithmetic.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "jit/spec_text.hpp"
#include "templates/route/route_spec.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/kernel_call.hpp"

namespace burin::kernels {

inline constexpr float kRouteScale = 1.5f;

struct RouteChoice {
  std::vector<int> experts;
  std::vector<double> weights;
};

// Places of the largest values, lower ones first among equals.
inline std::vector<int> largest_values(const std::vector<double>& values, std::int64_t count) {
  std::vector<int> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return values[static_cast<std::size_t>(a)] > values[static_cast<std::size_t>(b)];
  });
  order.resize(static_cast<std::size_t>(count));
  return order;
}

inline RouteChoice expected_choice(const RouteSpec& spec, const std::vector<float>& logits) {
  const double most = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  const auto group = static_cast<std::size_t>(spec.experts / spec.groups);
  std::vector<double> best;
  for (std::size_t first = 0; first < logits.size(); first += group)
    best.push_back(
        static_cast<double>(*std::max_element(logits.begin() + static_cast<std::ptrdiff_t>(first),
                                              logits.begin() + static_cast<std::ptrdiff_t>(first + group))));
  std::vector<double> candidates(logits.size(), -std::numeric_limits<double>::infinity());
  for (const int chosen : largest_values(best, spec.groups_used))
    for (std::size_t i = static_cast<std::size_t>(chosen) * group;
         i < static_cast<std::size_t>(chosen + 1) * group; ++i)
      candidates[i] = static_cast<double>(logits[i]);
  RouteChoice choice;
  choice.experts = largest_values(candidates, spec.used);
  std::sort(choice.experts.begin(), choice.experts.end());
  double all = 0;
  for (const float logit : logits) all += std::exp(static_cast<double>(logit) - most);
  double sum = 0;
  for (const int expert : choice.experts) {
    choice.weights.push_back(std::exp(static_cast<double>(logits[static_cast<std::size_t>(expert)]) - most));
    sum += choice.weights.back();
  }
  for (double& weight : choice.weights)
    weight *= static_cast<double>(kRouteScale) / (spec.normalise ? sum : all);
  return choice;
}

// What the kernel chooses for rows of logits, which lie among NaNs.
inline std::vector<RouteChoice> route_choices(RouteSpec spec, const std::vector<std::vector<float>>& rows,
                                              const jit::Target& target) {
  spec.input_stride = spec.experts + 3;
  spec.output_stride = 2 * spec.used + 1;
  const auto count = static_cast<std::int64_t>(rows.size());
  const tests::GuardedBuffer logits(static_cast<std::size_t>(spec.input_stride * count - 3) * 4, 4);
  std::fill_n(logits.as<float>(), logits.size() / 4, std::numeric_limits<float>::quiet_NaN());
  for (std::int64_t row = 0; row < count; ++row)
    std::copy(rows[static_cast<std::size_t>(row)].begin(), rows[static_cast<std::size_t>(row)].end(),
              logits.as<float>() + row * spec.input_stride);
  const tests::GuardedBuffer routes(static_cast<std::size_t>(spec.output_stride * count - 1) * 4, 4);
  RouteArguments arguments;
  arguments.logits = logits.as<float>();
  arguments.routes = routes.as<float>();
  arguments.rows = count;
  arguments.scale = kRouteScale;
  tests::run_kernel(emit_route(spec, target), arguments);
  std::vector<RouteChoice> made;
  for (std::int64_t row = 0; row < count; ++row) {
    const float* route = routes.as<float>() + row * spec.output_stride;
    RouteChoice choice;
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

inline void check_route(const RouteSpec& spec, const std::vector<std::vector<float>>& rows,
                        const jit::Target& target) {
  SCOPED_TRACE(jit::spec_text(spec) + " target " + target.name);
  const std::vector<RouteChoice> made = route_choices(spec, rows, target);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const RouteChoice expected = expected_choice(spec, rows[row]);
    ASSERT_EQ(made[row].experts, expected.experts) << "row " << row;
    for (std::size_t i = 0; i < expected.weights.size(); ++i)
      ASSERT_NEAR(made[row].weights[i], expected.weights[i], 2e-6 * expected.weights[i] + 1e-30)
          << "row " << row;
  }
}

}  // namespace burin::kernels
