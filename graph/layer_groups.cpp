#include "graph/layer_groups.hpp"

#include <fmt/format.h>

#include <charconv>
#include <map>

namespace burin::graph {
namespace {

// Threads meet at a program's end as well.
std::string signature_of(const Program& program, const std::vector<std::size_t>& steps) {
  std::string signature;
  for (const std::size_t index : steps) {
    const Step& step = program[index];
    signature += fmt::format("{} {} {} {} {}\n", name_in_layer(step.name).name, step.kernel, step.first_block,
                             step.last_block, step.barrier || index + 1 == program.size());
  }
  return signature;
}

// 0, 2, 4, ...: the same distance above one throughout, and worth abbreviating.
bool is_progression(const std::vector<int>& numbers) {
  if (numbers.size() < 4 || numbers[1] - numbers[0] < 2) return false;
  for (std::size_t i = 2; i < numbers.size(); ++i)
    if (numbers[i] - numbers[i - 1] != numbers[1] - numbers[0]) return false;
  return true;
}

}  // namespace

NameInLayer name_in_layer(std::string_view name) {
  for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
    int layer = -1;
    const char* const last = name.data() + name.size();
    const auto [end, error] = std::from_chars(name.data() + dot + 1, last, layer);
    const auto behind = static_cast<std::size_t>(end - name.data()) + 1;
    if (error == std::errc() && layer >= 0 && behind < name.size() && *end == '.')
      return {layer, name.substr(behind)};
  }
  return {-1, name};
}

std::vector<LayerGroup> group_layers(const Program& program) {
  std::vector<LayerGroup> groups;
  std::map<std::string, std::size_t> known;  // signature -> group
  for (std::size_t first = 0; first < program.size();) {
    const int layer = name_in_layer(program[first].name).layer;
    std::vector<std::size_t> steps;
    std::size_t last = first;
    for (; last < program.size() && name_in_layer(program[last].name).layer == layer; ++last)
      steps.push_back(last);
    first = last;
    const std::string signature = layer < 0 ? "" : signature_of(program, steps);
    if (const auto at = known.find(signature); layer >= 0 && at != known.end()) {
      groups[at->second].layers.push_back(layer);
      continue;
    }
    if (layer >= 0) known[signature] = groups.size();
    groups.push_back({layer < 0 ? std::vector<int>{} : std::vector<int>{layer}, std::move(steps)});
  }
  return groups;
}

std::string numbers_text(const std::vector<int>& numbers) {
  if (is_progression(numbers)) return fmt::format("{}, {}, ..., {}", numbers[0], numbers[1], numbers.back());
  std::string text;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    text += fmt::format("{}{}", text.empty() ? "" : ", ", numbers[i]);
    if (last > i) text += fmt::format("-{}", numbers[last]);
    i = last + 1;
  }
  return text;
}

std::string title_of(const LayerGroup& group) {
  if (group.layers.empty()) return "outside of layers";
  return fmt::format("{} {}", group.layers.size() == 1 ? "layer" : "layers", numbers_text(group.layers));
}

}  // namespace burin::graph
