#include "graph/trace_groups.hpp"

#include <fmt/format.h>

#include <map>
#include <tuple>

#include "graph/layer_groups.hpp"

namespace burin::graph {
namespace {

// Reasons name nodes of the same layer.
std::string without_layer(std::string reason, int layer) {
  const std::string prefix = fmt::format("blk.{}.", layer);
  for (std::size_t at = 0; (at = reason.find(prefix, at)) != std::string::npos;)
    reason.replace(at, prefix.size(), "");
  return reason;
}

}  // namespace

std::vector<TraceGroup> group_trace(const Trace& trace) {
  std::vector<TraceGroup> groups;
  std::map<std::tuple<std::string, std::string, bool, std::string>, std::size_t> known;
  for (const TraceLine& line : trace) {
    const auto [layer, name] = name_in_layer(line.node);
    TraceGroup group = {line.pass, std::string(name), {}, line.applied, without_layer(line.reason, layer)};
    if (layer < 0) {
      groups.push_back(std::move(group));
      continue;
    }
    const auto [at, is_new] =
        known.try_emplace({group.pass, group.node, group.applied, group.reason}, groups.size());
    if (is_new) groups.push_back(std::move(group));
    groups[at->second].layers.push_back(layer);
  }
  return groups;
}

}  // namespace burin::graph
