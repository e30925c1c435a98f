// Draws small graphs in few words.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "graph/ir.hpp"

namespace burin::graph {

// Weights are named after their node: linear("q", ...) takes "q.weight".
class GraphSketch {
 public:
  Graph graph;

  ValueId input(const std::string& name = "x", std::int64_t width = 8) {
    Node node = named(Op::embed, name, {});
    node.embed.table = name + ".weight";
    return graph.add_node(std::move(node), width);
  }
  ValueId norm(const std::string& name, ValueId x) {
    Node node = named(Op::norm, name, {x});
    node.norm.weight = name + ".weight";
    node.norm.epsilon = 1e-5f;
    return add(std::move(node), x);
  }
  ValueId linear(const std::string& name, ValueId x, std::int64_t outputs = 8) {
    Node node = named(Op::linear, name, {x});
    node.linear.parts = {{name + ".weight", "", outputs}};
    return graph.add_node(std::move(node), outputs);
  }
  // Heads of four elements.
  ValueId rope(const std::string& name, ValueId x, int rotary = 4) {
    Node node = named(Op::rope, name, {x});
    node.rope.head_size = 4;
    node.rope.rotary = rotary;
    node.rope.inverse_frequencies.assign(static_cast<std::size_t>(rotary / 2), 0.5);
    return add(std::move(node), x);
  }
  // Two query heads of four elements and one KV head.
  ValueId attention(const std::string& name, ValueId q, ValueId k, ValueId v) {
    Node node = named(Op::attention, name, {q, k, v});
    node.attention.query_heads = 2;
    node.attention.kv_heads = 1;
    node.attention.head_size = 4;
    return add(std::move(node), q);
  }
  ValueId silu(const std::string& name, ValueId x) {
    Node node = named(Op::activation, name, {x});
    node.activation = ActivationFunction::silu;
    return add(std::move(node), x);
  }
  ValueId clip(const std::string& name, ValueId x, float limit) {
    Node node = named(Op::clip, name, {x});
    node.constant = limit;
    return add(std::move(node), x);
  }
  ValueId scale(const std::string& name, ValueId x, float factor) {
    Node node = named(Op::scale, name, {x});
    node.constant = factor;
    return add(std::move(node), x);
  }
  ValueId multiply(const std::string& name, ValueId x, ValueId y) {
    return add(named(Op::multiply, name, {x, y}), x);
  }
  ValueId sum(const std::string& name, ValueId x, ValueId y) { return add(named(Op::add, name, {x, y}), x); }

  Node& node(const std::string& name) {
    for (Node& node : graph.nodes)
      if (node.name == name) return node;
    throw std::logic_error("no node " + name);
  }
  // Gives a linear node a norm as prologue.
  void set_normed(const std::string& name) {
    node(name).linear.normed = true;
    node(name).linear.norm.weight = name + "_norm.weight";
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const Node& node : graph.nodes) all.push_back(node.name);
    return all;
  }

 private:
  static Node named(Op op, const std::string& name, std::vector<ValueId> inputs) {
    Node node;
    node.op = op;
    node.name = name;
    node.inputs = std::move(inputs);
    return node;
  }
  ValueId add(Node node, ValueId like) {
    return graph.add_node(std::move(node), graph.values[static_cast<std::size_t>(like)].width);
  }
};

}  // namespace burin::graph
