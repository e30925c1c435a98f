// Rows of routers: the choices of published mixtures of experts, weights normalised and not.
#include <algorithm>

#include "templates/manifest/rows.hpp"

namespace burin::kernels {
namespace {

struct Choice {
  std::int64_t used;
  std::int64_t groups;
  std::int64_t groups_used;
};
// Llama 4, Mixtral, Qwen 3, DeepSeek-V2.
constexpr Choice kChoices[] = {{1, 1, 1}, {2, 1, 1}, {8, 1, 1}, {6, 8, 3}};

}  // namespace

void add_route_rows(ManifestRows& rows) {
  for (const Choice& choice : kChoices)
    for (const bool normalise : {false, true}) {
      RouteSpec spec;
      spec.used = choice.used;
      spec.groups = choice.groups;
      spec.groups_used = choice.groups_used;
      spec.normalise = normalise;
      rows.push_back({fmt::format("route/top{}{}{}", choice.used,
                                  choice.groups > 1 ? fmt::format("/groups{}", choice.groups) : "",
                                  normalise ? "/normalised" : ""),
                      jit::spec_text(resized(spec, {}))});
    }
}

// At most 256 experts, so many that groups are alike and have enough of them.
RouteSpec resized(RouteSpec spec, const KernelShape& shape) {
  const std::int64_t least = (spec.used + spec.groups_used - 1) / spec.groups_used;
  const std::int64_t in_group = std::max(least, std::min<std::int64_t>(shape.columns, 256) / spec.groups);
  spec.experts = in_group * spec.groups;
  spec.input_stride = whole_blocks(spec.experts);
  spec.output_stride = whole_blocks(2 * spec.used);
  return spec;
}

}  // namespace burin::kernels
