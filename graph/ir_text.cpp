// The graph as text. Attributes at their defaults are left out.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "graph/ir.hpp"

namespace burin::graph {
namespace {

std::string list_text(const std::vector<double>& values) {
  return fmt::format("[{:.9g}]", fmt::join(values, ","));
}

// " name=value" where value is not the default.
std::string optional_text(std::string_view name, double value, double usual) {
  return value == usual ? "" : fmt::format(" {}={:g}", name, value);
}

std::string optional_text(std::string_view name, const std::string& value) {
  return value.empty() ? "" : fmt::format(" {}={}", name, value);
}

std::string view_text(const MatrixView& view, std::int64_t outputs) {
  std::string text;
  if (view.run > 0)
    text += fmt::format(" from {} {} of every {}", view.first, view.run, view.stride);
  else if (view.first > 0)
    text += fmt::format(" from {}", view.first);
  if (view.transposed) text += " transposed";
  if (view.slice > 0) text += fmt::format(" slice {}", view.slice);
  return fmt::format("[{}{}]", outputs, text);
}

std::string part_text(const LinearPart& part) {
  std::string text = part.weight + view_text(part.view, part.outputs);
  if (!part.bias.empty()) text += "+" + part.bias;
  return text;
}

std::string norm_text(const NormAttributes& norm) {
  std::string text =
      fmt::format(" {} {} eps={:g}", norm.kind == NormKind::rms ? "rms" : "layer", norm.weight, norm.epsilon);
  text += optional_text("bias", norm.bias);
  text += optional_text("weight_offset", static_cast<double>(norm.weight_offset), 0);
  return text + optional_text("group", static_cast<double>(norm.group), 0);
}

std::string longer_text(const LongRope& longer) {
  if (longer.context == 0) return "";
  std::string text = fmt::format(" longer_than={}", longer.context);
  if (!longer.inverse_frequencies.empty())
    text += " longer_frequencies=" + list_text(longer.inverse_frequencies);
  text += optional_text("longer_factors", longer.factors);
  text += optional_text("ntk_base", longer.ntk_base, 0);
  text += optional_text("ntk_factor", longer.ntk_factor, 1);
  return longer.ntk_doubles ? text + " ntk_doubles" : text;
}

std::string rope_text(const RopeAttributes& rope) {
  std::string text = fmt::format(" {} rotary={}/{} frequencies={}",
                                 rope.style == RotaryStyle::halves ? "halves" : "interleaved", rope.rotary,
                                 rope.head_size, list_text(rope.inverse_frequencies));
  text += optional_text("factors", rope.factors);
  text += optional_text("magnitude", rope.magnitude, 1);
  return text + longer_text(rope.longer);
}

std::string attention_text(const AttentionAttributes& attention) {
  std::string text =
      fmt::format(" layer={} heads={}/{} size={} scale={:g}", attention.layer, attention.query_heads,
                  attention.kv_heads, attention.head_size, attention.scale);
  text += optional_text("value_size", attention.value_size, 0);
  text += optional_text("window", static_cast<double>(attention.window), 0);
  text += optional_text("soft_cap", static_cast<double>(attention.soft_cap), 0);
  if (!attention.slopes.empty()) text += " slopes=" + list_text(attention.slopes);
  text += optional_text("sinks", attention.sinks);
  text += optional_text("log_context", static_cast<double>(attention.log_context), 0);
  return text + optional_text("shared_size", attention.shared_size, 0);
}

std::string linear_text(const LinearAttributes& linear) {
  std::string text;
  if (linear.normed) text += " normed(" + norm_text(linear.norm).substr(1) + ")";
  for (const LinearPart& part : linear.parts) text += " " + part_text(part);
  if (linear.last_row_only) text += " last_row_only";
  switch (linear.epilogue) {
    case LinearEpilogue::none: return text;
    case LinearEpilogue::add: return text + " -> add";
    case LinearEpilogue::activate: return text + fmt::format(" -> {}", name_of(linear.activation));
    case LinearEpilogue::qkv: return text + " -> heads";
    case LinearEpilogue::gate: return text + fmt::format(" -> {} gate", name_of(linear.activation));
    case LinearEpilogue::rope_kv: break;
  }
  return text + " -> rope, kv store" + attention_text(linear.attention) + rope_text(linear.attention.rope);
}

std::string heads_text(const HeadsAttributes& heads) {
  std::string text = optional_text("limit", static_cast<double>(heads.limit), 0);
  if (heads.normed)
    text += fmt::format(" q({}) k({})", norm_text(heads.query_norm).substr(1),
                        norm_text(heads.key_norm).substr(1));
  return text + " -> rope, kv store" + attention_text(heads.attention) + rope_text(heads.attention.rope);
}

std::string route_text(const RouteAttributes& route) {
  std::string text = fmt::format(" used={}", route.used);
  if (route.normalise) text += " normalise";
  text += optional_text("scale", static_cast<double>(route.scale), 1);
  if (route.groups > 1) text += fmt::format(" groups={}/{}", route.groups_used, route.groups);
  return text;
}

std::string experts_text(const ExpertsAttributes& attributes) {
  std::string text = fmt::format(" {}", name_of(attributes.activation));
  text += optional_text("limit", static_cast<double>(attributes.limit), 0);
  text += optional_text("slope", static_cast<double>(attributes.slope), 0);
  text += optional_text("used", static_cast<double>(attributes.used), 0);
  if (attributes.normed) text += " normed(" + norm_text(attributes.norm).substr(1) + ")";
  for (const Expert& expert : attributes.experts)
    text += fmt::format(" ({} {} {})", part_text(expert.gate), part_text(expert.up), part_text(expert.down));
  return text;
}

std::string attributes_text(const Node& node) {
  switch (node.op) {
    case Op::embed:
      return " " + node.embed.table + (node.embed.index == EmbedIndex::position ? " by_position" : "") +
             optional_text("offset", static_cast<double>(node.embed.offset), 0);
    case Op::norm: return norm_text(node.norm);
    case Op::linear: return linear_text(node.linear);
    case Op::rope: return rope_text(node.rope);
    case Op::attention: return attention_text(node.attention);
    case Op::activation: return fmt::format(" {}", name_of(node.activation));
    case Op::scale:
    case Op::clip:
    case Op::soft_cap: return fmt::format(" {:g}", node.constant);
    case Op::route: return route_text(node.route);
    case Op::experts:
    case Op::expert_gates:
    case Op::expert_sums: return experts_text(node.experts);
    case Op::heads: return heads_text(node.heads);
    case Op::multiply:
    case Op::add: break;
  }
  return "";
}

}  // namespace

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
    case Op::scale: return "scale";
    case Op::clip: return "clip";
    case Op::soft_cap: return "soft_cap";
    case Op::route: return "route";
    case Op::experts: return "experts";
    case Op::expert_gates: return "expert_gates";
    case Op::expert_sums: return "expert_sums";
    case Op::heads: return "heads";
  }
  return "?";
}

std::string_view name_of(ActivationFunction function) {
  switch (function) {
    case ActivationFunction::none: return "none";
    case ActivationFunction::silu: return "silu";
    case ActivationFunction::gelu_tanh: return "gelu_tanh";
    case ActivationFunction::gelu_erf: return "gelu_erf";
    case ActivationFunction::relu: return "relu";
    case ActivationFunction::relu_squared: return "relu_squared";
  }
  return "?";
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

}  // namespace burin::graph
