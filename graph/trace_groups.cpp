#include "graph/trace_groups.hpp"

#include <fmt/format.h>

#include <map>
#include <tuple>

#include "graph/layer_groups.hpp"

namespace burin::graph {
namespace {

// Reasons name nodes of the same layer, which begin alike: "blk.3.".
std::string without_prefix(std::string reason, std::string_view prefix) {
  if (prefix.empty()) return reason;
  for (std::size_t at = 0; (at = reason.find(prefix, at)) != std::string::npos;)
    reason.erase(at, prefix.size());
  return reason;
}

}  // namespace

std::vector<TraceGroup> group_trace(const Trace& trace) {
  std::vector<TraceGroup> groups;
  std::map<std::tuple<std::string, std::string, bool, std::string>, std::size_t> known;
  for (const TraceLine& line : trace) {
    const auto [layer, name] = name_in_layer(line.node);
    const std::string_view prefix = std::string_view(line.node).substr(0, line.node.size() - name.size());
    TraceGroup group = {line.pass, std::string(name), {}, line.applied, without_prefix(line.reason, prefix)};
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
