#include "graph/ir.hpp"

#include <algorithm>

#include "jit/error.hpp"

namespace burin::graph {
namespace {

std::string_view name_of(Op op) {
  switch (op) {
    case Op::embed: return "embed";
    case Op::norm: return "norm";
    case Op::linear: return "linear";
    case Op::rope: return "rope";
    case Op::attention: return "attention";
    case Op::activation: return "activation";
    case Op::multiply: return "multiply";
    case Op::add: return "add";
  }
  return "?";
}

std::string linear_text(const LinearAttributes& linear) {
  std::string text;
  if (linear.normed) text += fmt::format(" norm={}", linear.norm.weight);
  for (const LinearPart& part : linear.parts) {
    text += fmt::format(" {}[{}]", part.weight, part.outputs);
    if (!part.bias.empty()) text += fmt::format("+{}", part.bias);
  }
  constexpr std::string_view kEpilogues[] = {"", " -> add", " -> silu gate", " -> rope, kv store"};
  text += kEpilogues[static_cast<std::size_t>(linear.epilogue)];
  return text;
}

std::string attributes_text(const Node& node) {
  switch (node.op) {
    case Op::embed: return " " + node.table;
    case Op::norm: return fmt::format(" {} eps={:g}", node.norm.weight, node.norm.epsilon);
    case Op::linear: return linear_text(node.linear);
    case Op::rope:
      return fmt::format(" {} rotary={}", node.rope.style == RotaryStyle::halves ? "halves" : "interleaved",
                         node.rope.rotary);
    case Op::attention:
      return fmt::format(" layer={} heads={}/{} size={} scale={:g}", node.attention.layer,
                         node.attention.query_heads, node.attention.kv_heads, node.attention.head_size,
                         node.attention.scale);
    case Op::activation: return " silu";
    default: return "";
  }
}

void check_widths(const Graph& graph, const Node& node) {
  const auto width = [&](ValueId value) { return graph.values[static_cast<std::size_t>(value)].width; };
  const auto require = [&](bool right, std::string_view what) {
    if (!right) fail("graph node {}: {}", node.name, what);
  };
  const std::int64_t out = width(node.output);
  switch (node.op) {
    case Op::multiply:
    case Op::add:
      require(node.inputs.size() == 2, "needs two inputs");
      require(width(node.inputs[0]) == out && width(node.inputs[1]) == out, "input widths differ");
      break;
    case Op::norm:
    case Op::activation:
    case Op::rope:
      require(node.inputs.size() == 1 && width(node.inputs[0]) == out, "input and output widths differ");
      break;
    case Op::linear: {
      require(!node.linear.parts.empty() && !node.inputs.empty(), "needs a weight and an input");
      std::int64_t sum = 0;
      for (const LinearPart& part : node.linear.parts) sum += part.outputs;
      if (node.linear.epilogue == LinearEpilogue::none || node.linear.epilogue == LinearEpilogue::add)
        require(sum == out, "outputs of the weights and of the node differ");
      break;
    }
    case Op::attention: {
      const AttentionAttributes& attention = node.attention;
      require(attention.kv_heads > 0 && attention.query_heads % attention.kv_heads == 0,
              "query heads are no multiple of KV heads");
      require(std::int64_t{attention.query_heads} * attention.head_size == out,
              "heads do not fill the output");
      break;
    }
    case Op::embed: break;
  }
}

}  // namespace

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

std::string to_text(const Graph& graph) {
  std::string text;
  for (const Node& node : graph.nodes) {
    text += fmt::format("%{} {} = {}(", node.output, node.name, name_of(node.op));
    for (std::size_t i = 0; i < node.inputs.size(); ++i)
      text += fmt::format("{}%{}", i ? ", " : "", node.inputs[i]);
    text += fmt::format("){}\n", attributes_text(node));
  }
  return text;
}

void validate(const Graph& graph) {
  std::vector<bool> made(graph.values.size(), false);
  for (const Node& node : graph.nodes) {
    for (const ValueId input : node.inputs)
      if (input < 0 || static_cast<std::size_t>(input) >= made.size() ||
          !made[static_cast<std::size_t>(input)])
        fail("graph node {}: input %{} is used before it is made", node.name, input);
    if (node.output < 0 || static_cast<std::size_t>(node.output) >= made.size())
      fail("graph node {}: output %{} is no value", node.name, node.output);
    check_widths(graph, node);
    made[static_cast<std::size_t>(node.output)] = true;
  }
}

}  // namespace burin::graph
