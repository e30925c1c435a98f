// What every graph must fulfil, whoever built or rewrote it.
#include <algorithm>
#include <cmath>

#include "graph/ir.hpp"
#include "jit/error.hpp"

namespace burin::graph {
namespace {

class NodeCheck {
 public:
  NodeCheck(const Graph& graph, const Node& node) : graph_(graph), node_(node) {}

  void run() const {
    switch (node_.op) {
      case Op::embed: return check_embed();
      case Op::norm: return check_norm(node_.norm), require_like_input();
      case Op::linear: return check_linear();
      case Op::rope: return check_rope(node_.rope, output()), require_like_input();
      case Op::attention: return check_attention();
      case Op::activation:
        require(node_.activation != ActivationFunction::none, "has no activation function");
        return require_like_input();
      case Op::multiply:
      case Op::add:
        require_inputs(2);
        return require(input(0) == output() && input(1) == output(), "input widths differ");
      case Op::scale:
        return require(std::isfinite(node_.constant), "factor is no number"), require_like_input();
      case Op::clip:
      case Op::soft_cap: return require(node_.constant > 0, "limit is not positive"), require_like_input();
      case Op::route: return check_route();
      case Op::experts: return check_experts();
      case Op::expert_gates: return check_expert_gates();
      case Op::expert_sums: return check_expert_sums();
      case Op::heads: return check_heads_node();
      case Op::latent: return check_latent();
    }
  }

 private:
  void require(bool right, std::string_view what) const {
    if (!right) fail("graph node {}: {}", node_.name, what);
  }
  void require_inputs(std::size_t count) const {
    if (node_.inputs.size() != count)
      fail("graph node {}: {} has {} inputs: needs {}", node_.name, name_of(node_.op), node_.inputs.size(),
           count);
  }
  void require_like_input() const {
    require_inputs(1);
    require(input(0) == output(), "input and output widths differ");
  }
  std::int64_t input(std::size_t index) const { return graph_.width(node_.inputs[index]); }
  std::int64_t output() const { return graph_.width(node_.output); }

  void check_embed() const {
    require_inputs(0);
    require(!node_.embed.table.empty(), "has no table");
    require(node_.embed.offset >= 0, "offset is negative");
    require(std::isfinite(node_.embed.factor), "factor is no number");
  }

  void check_norm(const NormAttributes& norm) const {
    require(!node_.inputs.empty(), "has no input");
    require(norm.weight.empty() != norm.weights.empty(), "norm has no weight, or two kinds of them");
    require(norm.epsilon >= 0, "norm has a negative epsilon");
    require(norm.group >= 0 && (norm.group == 0 || input(0) % norm.group == 0),
            "groups of the norm do not fill the row");
    require(norm.weights.empty() ||
                (norm.group > 0 && static_cast<std::int64_t>(norm.weights.size()) == input(0) / norm.group),
            "norm has not one weight for each group");
  }

  void check_part(const LinearPart& part) const {
    require(!part.weight.empty() && part.outputs > 0, "a matrix has no tensor or no outputs");
    const MatrixView& view = part.view;
    require(view.first >= 0 && view.slice >= kAllSlices && view.run >= 0, "a view begins before its tensor");
    require(view.run == 0 || (view.stride >= view.run && part.outputs % view.run == 0),
            "runs of a view overlap, or do not fill the outputs");
  }

  void check_linear() const {
    const LinearAttributes& linear = node_.linear;
    require(!linear.parts.empty() && !node_.inputs.empty(), "needs a weight and an input");
    for (const LinearPart& part : linear.parts) check_part(part);
    if (linear.normed) check_norm(linear.norm);
    require(std::isfinite(linear.factor), "factor is no number");
    std::int64_t sum = 0;
    for (const LinearPart& part : linear.parts) sum += part.outputs;
    require_inputs(linear.epilogue == LinearEpilogue::add ? 2 : 1);
    require(linear.inputs >= 0 && linear.inputs <= input(0), "reads more than the row");
    require(linear.heads == 0 || (linear.heads > 0 && linear.parts.size() == 1 && !linear.normed &&
                                  input(0) % linear.heads == 0 && output() % linear.heads == 0),
            "heads do not fill the row and the outputs of one matrix");
    switch (linear.epilogue) {
      case LinearEpilogue::add:
        require(input(1) == output(), "summand and output widths differ");
        [[fallthrough]];
      case LinearEpilogue::none:
      case LinearEpilogue::latent:
        return require(sum == output(), "outputs of the weights and of the node differ");
      case LinearEpilogue::activate:
        require(linear.activation != ActivationFunction::none, "has no activation function");
        return require(sum == output(), "outputs of the weights and of the node differ");
      case LinearEpilogue::qkv:
        require(linear.parts.size() == 3, "must have Q, K and V");
        return require(sum == output(), "outputs of the weights and of the node differ");
      case LinearEpilogue::gate:
        require(linear.activation != ActivationFunction::none, "has no activation function");
        return require(linear.parts.size() == 2 && linear.parts[0].outputs == output() &&
                           linear.parts[1].outputs == output(),
                       "gate and up must be as wide as the output");
      case LinearEpilogue::rope_kv:
        require(linear.parts.size() == 3 && linear.parts[0].outputs == output(), "must have Q, K and V");
        return check_fused_heads(linear.attention);
    }
  }

  void check_heads_node() const {
    require_inputs(1);
    check_fused_heads(node_.heads.attention);
    require(node_.heads.limit >= 0 && !(node_.heads.limit > 0 && node_.heads.normed),
            "heads are clipped or normalised, not both");
  }

  void check_latent() const {
    const LatentAttributes& latent = node_.latent;
    const AttentionAttributes& attention = latent.attention;
    require_inputs(2);
    check_heads(attention);
    check_part(latent.keys);
    require(!latent.norm.weight.empty() && latent.norm.group == 0, "needs a norm of the latent row");
    require(attention.kv_heads == 1 && attention.value_size > 0 && latent.rotated_size() > 0 &&
                latent.keys.outputs % attention.query_heads == 0,
            "must have one KV head, whose keys are a rotated part and the values");
    const std::int64_t heads = attention.query_heads;
    require(input(0) >= latent.keys.outputs + heads * latent.rotated_size() &&
                input(1) >= attention.head_size && output() == heads * attention.head_size,
            "heads do not fill the rows");
    require(attention.rope.head_size == latent.rotated_size(), "rotates other heads than it has");
    check_rope(attention.rope, latent.rotated_size());
  }

  // The fused forms need not rotate.
  void check_fused_heads(const AttentionAttributes& attention) const {
    check_heads(attention);
    if (attention.rope.rotary > 0) check_rope(attention.rope, output());
  }

  void check_frequencies(const std::vector<double>& frequencies, int rotary) const {
    require(frequencies.size() == static_cast<std::size_t>(rotary / 2),
            "needs one frequency per rotary pair");
    require(std::all_of(frequencies.begin(), frequencies.end(), [](double f) { return f > 0; }),
            "a rotary frequency is not positive");
  }

  void check_rope(const RopeAttributes& rope, std::int64_t width) const {
    require(rope.rotary >= 2 && rope.rotary % 2 == 0 && rope.rotary <= rope.head_size,
            "rotated elements must be an even number within the head");
    require(width % rope.head_size == 0, "heads do not fill the row");
    require(rope.magnitude > 0, "magnitude is not positive");
    check_frequencies(rope.inverse_frequencies, rope.rotary);
    if (rope.longer.context == 0) return;
    const bool ntk = rope.longer.ntk_base > 0;
    if (!ntk) check_frequencies(rope.longer.inverse_frequencies, rope.rotary);
    require(!ntk || rope.longer.inverse_frequencies.empty(), "long sequences rotate in two ways");
  }

  void check_heads(const AttentionAttributes& attention) const {
    require(attention.layer >= 0 && attention.head_size > 0 && attention.value_size >= 0,
            "has no layer or heads of no size");
    require(attention.kv_heads > 0 && attention.query_heads > 0 &&
                attention.query_heads % attention.kv_heads == 0,
            "query heads are no multiple of KV heads");
    require(attention.window >= 0 && attention.soft_cap >= 0, "window or soft cap is negative");
    require(attention.log_context == 0 || attention.log_context > 1, "logarithm of a context below 2");
    require(attention.slopes.empty() ||
                attention.slopes.size() == static_cast<std::size_t>(attention.query_heads),
            "needs one slope per query head");
  }

  void check_attention() const {
    const AttentionAttributes& attention = node_.attention;
    check_heads(attention);
    const auto heads = std::int64_t{attention.query_heads};
    const auto kv_heads = std::int64_t{attention.kv_heads};
    require(heads * attention.value_width() == output(), "heads do not fill the output");
    if (node_.inputs.size() == 1)  // fused: K and V come from the cache
      return require(input(0) == heads * attention.head_size, "heads do not fill the queries");
    require_inputs(attention.shared_size > 0 ? 5 : 3);
    require(input(0) == heads * attention.head_size && input(1) == kv_heads * attention.head_size &&
                input(2) == kv_heads * attention.value_width(),
            "heads do not fill Q, K and V");
    if (attention.shared_size > 0)
      require(input(3) == heads * attention.shared_size && input(4) == attention.shared_size,
              "heads do not fill the shared part of Q and K");
  }

  void check_route() const {
    require_like_input();
    const RouteAttributes& route = node_.route;
    require(route.groups > 0 && output() % route.groups == 0, "groups do not fill the experts");
    require(route.groups_used > 0 && route.groups_used <= route.groups, "uses more groups than there are");
    require(route.used > 0 && route.used <= output() / route.groups * route.groups_used,
            "uses more experts than there are");
  }

  void check_experts() const {
    require_inputs(2);
    check_expert_matrices();
    for (const Expert& expert : node_.experts.experts)
      require(expert.down.outputs == output(), "outputs of an expert and of the node differ");
  }

  void check_expert_gates() const {
    require_inputs(2);
    check_expert_matrices();
    if (node_.experts.normed) check_norm(node_.experts.norm);
    for (const Expert& expert : node_.experts.experts)
      require(expert.gate.outputs * node_.experts.used == output(), "experts do not fill the output");
  }

  void check_expert_sums() const {
    require(node_.inputs.size() == 2 || node_.inputs.size() == 3, "needs two inputs or three");
    check_expert_matrices();
    require(node_.inputs.size() == 2 || input(2) == output(), "summand and output widths differ");
    for (const Expert& expert : node_.experts.experts) {
      require(expert.gate.outputs * node_.experts.used == input(0), "experts do not fill the input");
      require(expert.down.outputs == output(), "outputs of an expert and of the node differ");
    }
  }

  void check_expert_matrices() const {
    const std::vector<Expert>& experts = node_.experts.experts;
    require(static_cast<std::int64_t>(experts.size()) == input(1), "needs one weight per expert");
    require(node_.experts.activation != ActivationFunction::none, "has no activation function");
    require(node_.experts.limit >= 0, "limit is negative");
    for (const Expert& expert : experts) {
      for (const LinearPart* part : {&expert.gate, &expert.up, &expert.down}) check_part(*part);
      require(expert.gate.outputs == expert.up.outputs, "gate and up of an expert differ in width");
    }
  }

  const Graph& graph_;
  const Node& node_;
};

}  // namespace

void validate(const Graph& graph) {
  std::vector<bool> made(graph.values.size(), false);
  const auto is_made = [&](ValueId value) {
    return value >= 0 && static_cast<std::size_t>(value) < made.size() &&
           made[static_cast<std::size_t>(value)];
  };
  for (const Node& node : graph.nodes) {
    for (const ValueId input : node.inputs)
      if (!is_made(input)) fail("graph node {}: input %{} is used before it is made", node.name, input);
    if (node.output < 0 || static_cast<std::size_t>(node.output) >= made.size())
      fail("graph node {}: output %{} is no value", node.name, node.output);
    if (is_made(node.output)) fail("graph node {}: output %{} is made twice", node.name, node.output);
    if (graph.width(node.output) <= 0) fail("graph node {}: output has no width", node.name);
    NodeCheck(graph, node).run();
    made[static_cast<std::size_t>(node.output)] = true;
  }
}

}  // namespace burin::graph
