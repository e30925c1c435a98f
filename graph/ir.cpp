#include "graph/ir.hpp"

#include <algorithm>

namespace burin::graph {

ValueId Graph::add_value(std::string name, std::int64_t width) {
  values.push_back({std::move(name), width});
  return static_cast<ValueId>(values.size()) - 1;
}

ValueId Graph::add_node(Node node, std::int64_t width) {
  node.output = add_value(node.name, width);
  nodes.push_back(std::move(node));
  return nodes.back().output;
}

const Node* Graph::producer(ValueId value) const {
  const auto at = std::find_if(nodes.begin(), nodes.end(), [&](const Node& n) { return n.output == value; });
  return at == nodes.end() ? nullptr : &*at;
}

int Graph::uses(ValueId value) const {
  std::ptrdiff_t count = value == logits ? 1 : 0;
  for (const Node& node : nodes) count += std::count(node.inputs.begin(), node.inputs.end(), value);
  return static_cast<int>(count);
}

}  // namespace burin::graph
