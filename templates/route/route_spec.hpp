// The router's choice of experts: from a row of logits, one per expert, to the few that compute the row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "jit/code_image.hpp"
#include "jit/target.hpp"

namespace burin::kernels {

struct RouteSpec {
  static constexpr std::string_view kKind = "route";
  std::int64_t experts = 1;  // logits of a row
  std::int64_t used = 1;     // chosen ones
  bool normalise = false;    // the chosen weights are divided by their sum
  // Only experts of the `groups_used` groups whose largest logit is largest are chosen (DeepSeek-V2).
  std::int64_t groups = 1;
  std::int64_t groups_used = 1;
  std::int64_t input_stride = 32;  // floats
  std::int64_t output_stride = 32;

  bool operator==(const RouteSpec&) const = default;
};

template <typename Spec, typename Visitor>
requires std::is_same_v<std::remove_const_t<Spec>, RouteSpec>
void visit_fields(Spec& spec, Visitor&& visit) {
  auto& [experts, used, normalise, groups, groups_used, input_stride, output_stride] = spec;
  visit("n", experts);
  visit("top", used);
  visit("norm", normalise);
  visit("groups", groups);
  visit("topgroups", groups_used);
  visit("is", input_stride);
  visit("os", output_stride);
}

// A row of routes, the chosen experts in ascending order:
//
//   [expert: int32] x used [weight: f32] x used
//
// weight = scale * softmax(logits)[expert], normalised if asked. Of equal logits the lower expert is chosen, as
// torch.topk on a CPU does. Whatever the logits are, NaNs too, the experts differ and are within 0 .. experts - 1.
struct RouteArguments {
  const float* logits = nullptr;
  float* routes = nullptr;  // `output_stride` is at least 2 * used
  std::int64_t rows = 0;
  float scale = 1;
};

// Throws burin::Error where there are fewer experts than are to be chosen, or groups do not fill them.
jit::CodeImage emit_route(const RouteSpec& spec, const jit::Target& target);

}  // namespace burin::kernels
