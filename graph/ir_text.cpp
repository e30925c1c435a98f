// The graph as text; ir_parse.cpp reads it. Attributes at their defaults are left out.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "graph/ir_fields.hpp"

namespace burin::graph {
namespace {

// Letters, digits and what names of tensors have between them need no quotes.
bool is_plain(std::string_view text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._-/:").find(c) != std::string_view::npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), plain);
}

std::string text_of(const std::string& text) {
  if (is_plain(text)) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      quoted += {'\\', c};
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      quoted += fmt::format("\\x{:02x}", c);
    else
      quoted += c;
  }
  return quoted + '"';
}

// Numbers as short as they can be without loss.
template <typename Number>
requires std::is_arithmetic_v<Number> std::string text_of(Number value) { return fmt::format("{}", value); }

template <typename Enum>
requires std::is_enum_v<Enum> std::string text_of(Enum value) { return std::string(name_of(value)); }

template <typename Struct>
requires std::is_class_v<Struct> std::string text_of(const Struct& value);

template <typename Item>
std::string text_of(const std::vector<Item>& items) {
  std::string text;
  for (const Item& item : items) text += (text.empty() ? "" : " ") + text_of(item);
  return "[" + text + "]";
}

// "name=value" of every field.
template <typename Struct>
std::vector<std::string> texts_of_fields(const Struct& value) {
  std::vector<std::string> texts;
  visit_fields(value, [&](std::string_view name, const auto& field) {
    texts.push_back(fmt::format("{}={}", name, text_of(field)));
  });
  return texts;
}

// Of the fields that differ from those of `usual`.
template <typename Struct>
std::string fields_text(const Struct& value, const Struct& usual) {
  const std::vector<std::string> usual_texts = texts_of_fields(usual);
  const std::vector<std::string> texts = texts_of_fields(value);
  std::string text;
  for (std::size_t i = 0; i < texts.size(); ++i)
    if (texts[i] != usual_texts[i]) text += (text.empty() ? "" : " ") + texts[i];
  return text;
}

template <typename Struct>
requires std::is_class_v<Struct> std::string text_of(const Struct& value) {
  return "{" + fields_text(value, Struct{}) + "}";
}

std::string attributes_text(const Node& node) {
  Node usual;
  usual.op = node.op;
  const std::string text = fields_text(node, usual);
  return text.empty() ? "" : " " + text;
}

std::string line_of(const Graph& graph, const Node& node) {
  const Value& value = graph.values[static_cast<std::size_t>(node.output)];
  std::string inputs;
  for (const ValueId input : node.inputs) inputs += fmt::format("{}%{}", inputs.empty() ? "" : ", ", input);
  return fmt::format("%{}[{}] {}{} = {}({}){}\n", node.output, value.width, text_of(node.name),
                     value.name == node.name ? "" : " as " + text_of(value.name), name_of(node.op), inputs,
                     attributes_text(node));
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
    case Op::latent: return "latent";
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

std::string_view name_of(EmbedIndex index) {
  switch (index) {
    case EmbedIndex::token: return "token";
    case EmbedIndex::position: return "position";
  }
  return "?";
}

std::string_view name_of(NormKind kind) {
  switch (kind) {
    case NormKind::rms: return "rms";
    case NormKind::layer: return "layer";
  }
  return "?";
}

std::string_view name_of(RotaryStyle style) {
  switch (style) {
    case RotaryStyle::interleaved: return "interleaved";
    case RotaryStyle::halves: return "halves";
  }
  return "?";
}

std::string_view name_of(LinearEpilogue epilogue) {
  switch (epilogue) {
    case LinearEpilogue::none: return "none";
    case LinearEpilogue::add: return "add";
    case LinearEpilogue::activate: return "activate";
    case LinearEpilogue::gate: return "gate";
    case LinearEpilogue::rope_kv: return "rope_kv";
    case LinearEpilogue::qkv: return "qkv";
    case LinearEpilogue::latent: return "latent";
  }
  return "?";
}

std::string to_text(const Graph& graph) {
  std::string text;
  for (const Node& node : graph.nodes) text += line_of(graph, node);
  if (graph.logits != kNoValue) text += fmt::format("logits %{}\n", graph.logits);
  return text;
}

}  // namespace burin::graph
