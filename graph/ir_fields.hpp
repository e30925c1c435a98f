// The fields of a graph's nodes, listed once: what is printed (ir_text.cpp) is what is parsed (ir_parse.cpp).
//
// Every list first takes its struct apart, which does not compile when a field was added to the struct only.
#pragma once

#include <concepts>
#include <string_view>
#include <type_traits>

#include "graph/ir.hpp"

namespace burin::graph {

template <typename Object, typename Struct>
concept Is = std::same_as<std::remove_const_t<Object>, Struct>;

// Names of the values, "?" behind the last one.
std::string_view name_of(EmbedIndex index);
std::string_view name_of(NormKind kind);
std::string_view name_of(RotaryStyle style);
std::string_view name_of(LinearEpilogue epilogue);

template <Is<EmbedAttributes> Attributes, typename Visitor>
void visit_fields(Attributes& attributes, Visitor&& visit) {
  auto& [table, index, offset, factor] = attributes;
  visit("table", table);
  visit("index", index);
  visit("offset", offset);
  visit("factor", factor);
}

template <Is<NormAttributes> Attributes, typename Visitor>
void visit_fields(Attributes& attributes, Visitor&& visit) {
  auto& [weight, epsilon, kind, bias, weight_offset, group, weights] = attributes;
  visit("kind", kind);
  visit("weight", weight);
  visit("weights", weights);
  visit("epsilon", epsilon);
  visit("bias", bias);
  visit("weight_offset", weight_offset);
  visit("group", group);
}

template <Is<LongRope> Attributes, typename Visitor>
void visit_fields(Attributes& attributes, Visitor&& visit) {
  auto& [context, inverse_frequencies, factors, ntk_base, ntk_factor, ntk_doubles] = attributes;
  visit("context", context);
  visit("frequencies", inverse_frequencies);
  visit("factors", factors);
  visit("ntk_base", ntk_base);
  visit("ntk_factor", ntk_factor);
  visit("ntk_doubles", ntk_doubles);
}

template <Is<RopeAttributes> Attributes, typename Visitor>
void visit_fields(Attributes& attributes, Visitor&& visit) {
  auto& [style, head_size, rotary, inverse_frequencies, factors, magnitude, longer] = attributes;
  visit("style", style);
  visit("head_size", head_size);
  visit("rotary", rotary);
  visit("frequencies", inverse_frequencies);
  visit("factors", factors);
  visit("magnitude", magnitude);
  visit("longer", longer);
}

template <Is<AttentionAttributes> Attributes, typename Visitor>
void visit_fields(Attributes& attributes, Visitor&& visit) {
  auto& [layer, query_heads, kv_heads, head_size, scale, rope, value_size, window, soft_cap, slopes, sinks,
         log_context, shared_size] = attributes;
  visit("layer", layer);
  visit("query_heads", query_heads);
  visit("kv_heads", kv_heads);
  visit("head_size", head_size);
  visit("scale", scale);
  visit("value_size", value_size);
  visit("window", window);
  visit("soft_cap", soft_cap);
  visit("slopes", slopes);
  visit("sinks", sinks);
  visit("log_context", log_context);
  visit("shared_size", shared_size);
  visit("rope", rope);
}

template <Is<MatrixView> Attributes, typename Visitor>
void visit_fields(Attributes& attributes, Visitor&& visit) {
  auto& [first, run, stride, transposed, slice] = attributes;
  visit("first", first);
  visit("run", run);
  visit("stride", stride);
  visit("transposed", transposed);
  visit("slice", slice);
}

template <Is<LinearPart> Attributes, typename Visitor>
void visit_fields(Attributes& attributes, Visitor&& visit) {
  auto& [weight, bias, outputs, view, heads, rotated, order, unit_rows] = attributes;
  visit("weight", weight);
  visit("outputs", outputs);
  visit("bias", bias);
  visit("view", view);
  visit("heads", heads);
  visit("rotated", rotated);
  visit("order", order);
  visit("unit_rows", unit_rows);
}

template <Is<LinearAttributes> Attributes, typename Visitor>
void visit_fields(Attributes& attributes, Visitor&& visit) {
  auto& [parts, normed, norm, epilogue, activation, attention, factor, last_row_only, inputs, heads] =
      attributes;
  visit("normed", normed);
  visit("norm", norm);
  visit("parts", parts);
  visit("epilogue", epilogue);
  visit("activation", activation);
  visit("attention", attention);
  visit("factor", factor);
  visit("last_row_only", last_row_only);
  visit("inputs", inputs);
  visit("heads", heads);
}

template <Is<HeadsAttributes> Attributes, typename Visitor>
void visit_fields(Attributes& attributes, Visitor&& visit) {
  auto& [attention, limit, normed, query_norm, key_norm] = attributes;
  visit("limit", limit);
  visit("normed", normed);
  visit("query_norm", query_norm);
  visit("key_norm", key_norm);
  visit("attention", attention);
}

template <Is<LatentAttributes> Attributes, typename Visitor>
void visit_fields(Attributes& attributes, Visitor&& visit) {
  auto& [attention, keys, norm] = attributes;
  visit("keys", keys);
  visit("norm", norm);
  visit("attention", attention);
}

template <Is<RouteAttributes> Attributes, typename Visitor>
void visit_fields(Attributes& attributes, Visitor&& visit) {
  auto& [used, normalise, scale, groups, groups_used] = attributes;
  visit("used", used);
  visit("normalise", normalise);
  visit("scale", scale);
  visit("groups", groups);
  visit("groups_used", groups_used);
}

template <Is<Expert> Attributes, typename Visitor>
void visit_fields(Attributes& attributes, Visitor&& visit) {
  auto& [gate, up, down] = attributes;
  visit("gate", gate);
  visit("up", up);
  visit("down", down);
}

template <Is<ExpertsAttributes> Attributes, typename Visitor>
void visit_fields(Attributes& attributes, Visitor&& visit) {
  auto& [experts, activation, limit, slope, used, normed, norm] = attributes;
  visit("activation", activation);
  visit("limit", limit);
  visit("slope", slope);
  visit("used", used);
  visit("normed", normed);
  visit("norm", norm);
  visit("experts", experts);
}

// The attributes of the node's operation; op, name, inputs and output are written round them.
template <Is<Node> AnyNode, typename Visitor>
void visit_fields(AnyNode& node, Visitor&& visit) {
  auto& [op, name, inputs, output, embed, norm, linear, rope, attention, heads, latent, activation, constant,
         route, experts] = node;
  switch (op) {
    case Op::embed: return visit_fields(embed, visit);
    case Op::norm: return visit_fields(norm, visit);
    case Op::linear: return visit_fields(linear, visit);
    case Op::rope: return visit_fields(rope, visit);
    case Op::attention: return visit_fields(attention, visit);
    case Op::activation: return visit("function", activation);
    case Op::scale:
    case Op::clip:
    case Op::soft_cap: return visit("constant", constant);
    case Op::route: return visit_fields(route, visit);
    case Op::experts:
    case Op::expert_gates:
    case Op::expert_sums: return visit_fields(experts, visit);
    case Op::heads: return visit_fields(heads, visit);
    case Op::latent: return visit_fields(latent, visit);
    case Op::multiply:
    case Op::add: return;
  }
}

}  // namespace burin::graph
