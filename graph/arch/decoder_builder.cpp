#include "graph/arch/decoder_builder.hpp"

#include <cmath>
#include <utility>

#include "jit/error.hpp"

namespace burin::graph {
namespace {

constexpr std::int64_t kMostVocabulary = 1 << 24;

// The first dimension of a matrix that may have any number of rows.
std::int64_t rows_of(const ModelDescription& model, const std::string& table, std::int64_t most) {
  const std::ptrdiff_t index = model.find(table);
  if (index < 0)
    fail("{}: tensor {} is missing: the file is incomplete or of another architecture", model.path, table);
  const std::vector<std::int64_t>& shape = model.tensors[static_cast<std::size_t>(index)].shape;
  if (shape.size() != 2 || shape[0] < 1 || shape[0] > most)
    fail("{}: tensor {} has an impossible shape: expected [vocabulary, hidden]", model.path, table);
  return shape[0];
}

}  // namespace

DecoderBuilder::DecoderBuilder(const ModelDescription& model, const DecoderShape& shape,
                               std::span<const TensorName> own_names)
    : model_(model), shape_(shape), names_(model, own_names) {
  vocabulary_ = rows_of(model, tensor("token_embd"), kMostVocabulary);
}

std::string DecoderBuilder::spelled(std::string_view name) const {
  return layer_ < 0 ? names_.global(name) : names_.in_layer(layer_, name);
}

std::string DecoderBuilder::tensor(std::string_view name, std::string_view kind) const {
  return fmt::format("{}.{}", spelled(name), kind);
}

bool DecoderBuilder::has(std::string_view name) const {
  return model_.find(tensor(name)) >= 0 || model_.find(tensor(name, "bias")) >= 0;
}

void DecoderBuilder::refuse_tensor(std::string_view stored, std::string_view what) const {
  if (model_.find(stored) >= 0)
    fail("{}: tensor {}: {} are not supported yet for this architecture", model_.path, stored, what);
}

ValueId DecoderBuilder::add_node(Node made, std::string_view node, std::int64_t width) {
  made.name = spelled(node);
  return graph_.add_node(std::move(made), width);
}

ValueId DecoderBuilder::binary(Op op, std::string_view node, ValueId x, ValueId y) {
  Node made;
  made.op = op;
  made.inputs = {x, y};
  return add_node(std::move(made), node, graph_.width(x));
}

ValueId DecoderBuilder::with_constant(Op op, std::string_view node, float constant, ValueId x) {
  Node made;
  made.op = op;
  made.inputs = {x};
  made.constant = constant;
  return add_node(std::move(made), node, graph_.width(x));
}

// --- embeddings and norms

ValueId DecoderBuilder::embed_tokens(std::int64_t width) {
  Node made;
  made.op = Op::embed;
  made.embed.table = tensor("token_embd");
  const std::int64_t wanted = width > 0 ? width : shape_.hidden;
  require_tensor(model_, made.embed.table, {vocabulary_, wanted});
  return add_node(std::move(made), "token_embd", wanted);
}

ValueId DecoderBuilder::embed_positions(std::int64_t offset) {
  Node made;
  made.op = Op::embed;
  made.embed = {tensor("position_embd"), EmbedIndex::position, offset};
  require_tensor(model_, made.embed.table, {shape_.context + offset, shape_.hidden});
  return add_node(std::move(made), "position_embd", shape_.hidden);
}

NormAttributes DecoderBuilder::norm_attributes(std::int64_t group) const {
  NormAttributes attributes;
  attributes.epsilon = shape_.epsilon;
  attributes.kind = shape_.norm;
  attributes.weight_offset = norm_weight_offset_;
  attributes.group = group;
  return attributes;
}

ValueId DecoderBuilder::add_norm(NormAttributes attributes, std::string_view node, ValueId x) {
  Node made;
  made.op = Op::norm;
  made.inputs = {x};
  made.norm = std::move(attributes);
  return add_node(std::move(made), node, graph_.width(x));
}

ValueId DecoderBuilder::norm_node(std::string_view name, ValueId x, std::int64_t group) {
  NormAttributes attributes = norm_attributes(group);
  attributes.weight = tensor(name);
  const std::int64_t weights = group > 0 ? group : graph_.width(x);
  require_tensor(model_, attributes.weight, {weights});
  if (const std::string bias = tensor(name, "bias");
      shape_.norm == NormKind::layer && model_.find(bias) >= 0) {
    require_tensor(model_, bias, {weights});
    attributes.bias = bias;
  }
  return add_norm(std::move(attributes), name, x);
}

ValueId DecoderBuilder::norm(std::string_view name, ValueId x) { return norm_node(name, x, 0); }

ValueId DecoderBuilder::head_norm(std::string_view name, ValueId x) {
  return norm_node(name, x, shape_.head_size);
}

ValueId DecoderBuilder::own_head_norms(std::string_view name, ValueId x) {
  NormAttributes attributes = norm_attributes(shape_.head_size);
  const std::int64_t heads = graph_.width(x) / shape_.head_size;
  const std::string stored = tensor(name);
  if (stored.find("{}") == std::string::npos) {
    refuse_tensor(tensor(name, "bias"), "biases of single heads' norms");
    require_tensor(model_, stored, {heads, shape_.head_size});
    attributes.weight = stored;
  } else {
    for (std::int64_t head = 0; head < heads; ++head) {
      attributes.weights.push_back(fmt::format(fmt::runtime(stored), head));
      require_tensor(model_, attributes.weights.back(), {shape_.head_size});
    }
    refuse_tensor(fmt::format(fmt::runtime(tensor(name, "bias")), 0), "biases of single heads' norms");
  }
  return add_norm(std::move(attributes), fmt::format("{}_by_head", name), x);
}

// --- matrices

LinearPart DecoderBuilder::part(std::string_view name, std::int64_t outputs, std::int64_t stored_rows,
                                std::int64_t inputs, const MatrixView& view) const {
  LinearPart made = {tensor(name), "", outputs, view};
  if (view.transposed)
    require_tensor(model_, made.weight, {inputs, stored_rows});
  else
    require_tensor(model_, made.weight, {stored_rows, inputs});
  if (const std::string bias = tensor(name, "bias"); model_.find(bias) >= 0) {
    require_tensor(model_, bias, {stored_rows});
    made.bias = bias;
  }
  return made;
}

LinearPart DecoderBuilder::slice_of(std::string_view name, std::int64_t slice, std::int64_t slices,
                                    std::int64_t outputs, std::int64_t inputs) const {
  LinearPart made = {tensor(name), "", outputs, {.slice = slice}};
  require_tensor(model_, made.weight, {slices, outputs, inputs});
  return made;
}

LinearPart DecoderBuilder::slices_of(std::string_view name, std::int64_t slices, std::int64_t outputs,
                                     std::int64_t inputs, bool transposed) const {
  LinearPart made = {tensor(name), "", slices * outputs, {.transposed = transposed, .slice = kAllSlices}};
  if (transposed)
    require_tensor(model_, made.weight, {slices, inputs, outputs});
  else
    require_tensor(model_, made.weight, {slices, outputs, inputs});
  return made;
}

ValueId DecoderBuilder::linear_rows(std::string_view node, const LinearPart& part, ValueId x) {
  Node made;
  made.op = Op::linear;
  made.inputs = {x};
  made.linear.parts = {part};
  return add_node(std::move(made), node, part.outputs);
}

ValueId DecoderBuilder::linear(std::string_view name, std::int64_t outputs, ValueId x) {
  return linear_rows(name, part(name, outputs, outputs, graph_.width(x)), x);
}

// --- attention

Qkv DecoderBuilder::qkv(ValueId x) {
  Qkv made;
  made.q = linear("attn_q", shape_.query_width(), x);
  made.k = linear("attn_k", shape_.kv_width(), x);
  made.v = linear("attn_v", shape_.kv_width(), x);
  return made;
}

Qkv DecoderBuilder::packed_qkv(ValueId x, QkvPacking packing, bool transposed) {
  const std::int64_t query_width = shape_.query_width();
  const std::int64_t kv_width = shape_.kv_width();
  const std::int64_t rows = query_width + 2 * kv_width;
  MatrixView q = {.transposed = transposed};
  MatrixView k = {.first = query_width, .transposed = transposed};
  MatrixView v = {.first = query_width + kv_width, .transposed = transposed};
  if (packing == QkvPacking::by_kv_head) {
    const std::int64_t size = shape_.head_size;
    const std::int64_t group = shape_.heads / shape_.kv_heads * size;
    const std::int64_t stride = group + 2 * size;
    q = {0, group, stride, transposed};
    k = {group, size, stride, transposed};
    v = {group + size, size, stride, transposed};
  }
  const auto rows_of_part = [&](std::string_view node, std::int64_t outputs, const MatrixView& view) {
    return linear_rows(node, part("attn_qkv", outputs, rows, graph_.width(x), view), x);
  };
  Qkv made;
  made.q = rows_of_part("attn_qkv_q", query_width, q);
  made.k = rows_of_part("attn_qkv_k", kv_width, k);
  made.v = rows_of_part("attn_qkv_v", kv_width, v);
  return made;
}

ValueId DecoderBuilder::rope(std::string_view node, ValueId x, const RopeAttributes& rope) {
  Node made;
  made.op = Op::rope;
  made.inputs = {x};
  made.rope = rope;
  return add_node(std::move(made), node, graph_.width(x));
}

Qkv DecoderBuilder::rotated(const Qkv& qkv, const RopeAttributes& attributes) {
  Qkv made = qkv;
  made.q = rope("rope_q", qkv.q, attributes);
  made.k = rope("rope_k", qkv.k, attributes);
  return made;
}

AttentionAttributes DecoderBuilder::attention_attributes() const {
  AttentionAttributes attributes;
  attributes.layer = static_cast<int>(layer_);
  attributes.query_heads = static_cast<int>(shape_.heads);
  attributes.kv_heads = static_cast<int>(shape_.kv_heads);
  attributes.head_size = static_cast<int>(shape_.head_size);
  attributes.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(shape_.head_size)));
  return attributes;
}

ValueId DecoderBuilder::attention_node(std::vector<ValueId> inputs, AttentionAttributes attributes) {
  const std::int64_t width = std::int64_t{attributes.query_heads} * attributes.value_width();
  Node made;
  made.op = Op::attention;
  made.inputs = std::move(inputs);
  made.attention = std::move(attributes);
  return add_node(std::move(made), "attention", width);
}

ValueId DecoderBuilder::attention(const Qkv& qkv, const AttentionAttributes& attributes) {
  return linear("attn_output", shape_.hidden, attention_node({qkv.q, qkv.k, qkv.v}, attributes));
}

// --- feed-forward

ValueId DecoderBuilder::activation(ActivationFunction function, ValueId x) {
  Node made;
  made.op = Op::activation;
  made.inputs = {x};
  made.activation = function;
  return add_node(std::move(made), name_of(function), graph_.width(x));
}

ValueId DecoderBuilder::gate_product(ValueId gate, ValueId up, ActivationFunction function) {
  return multiply("gate_product", activation(function, gate), up);
}

ValueId DecoderBuilder::gated_feed_forward(ValueId x, ActivationFunction function, std::int64_t width,
                                           const GateNames& names) {
  const ValueId gate = linear(names.gate, width, x);
  const ValueId up = linear(names.up, width, x);
  return linear(names.down, shape_.hidden, gate_product(gate, up, function));
}

ValueId DecoderBuilder::packed_gated_feed_forward(ValueId x, ActivationFunction function) {
  const std::int64_t width = shape_.feed_forward;
  const auto rows_from = [&](std::string_view node, std::int64_t first) {
    return linear_rows(node, part("ffn_up", width, 2 * width, graph_.width(x), {.first = first}), x);
  };
  const ValueId gate = rows_from("ffn_up_gate", 0);
  const ValueId up = rows_from("ffn_up_up", width);
  return linear("ffn_down", shape_.hidden, gate_product(gate, up, function));
}

ValueId DecoderBuilder::feed_forward(ValueId x, ActivationFunction function, bool transposed) {
  const std::int64_t width = shape_.feed_forward;
  const MatrixView view = {.transposed = transposed};
  const ValueId up = linear_rows("ffn_up", part("ffn_up", width, width, shape_.hidden, view), x);
  const LinearPart down = part("ffn_down", shape_.hidden, shape_.hidden, width, view);
  return linear_rows("ffn_down", down, activation(function, up));
}

// --- head

ValueId DecoderBuilder::head(ValueId x, bool tied_by_default, bool unit_rows) {
  leave_layers();
  const bool tied =
      gguf() ? !has("output") : ConfigReader(model_).boolean_or("tie_word_embeddings", tied_by_default);
  Node made;
  made.op = Op::linear;
  made.inputs = {x};
  made.linear.parts = {part(tied ? "token_embd" : "output", vocabulary_, vocabulary_, graph_.width(x))};
  made.linear.parts[0].unit_rows = unit_rows;
  made.linear.last_row_only = true;
  made.name = "output";
  return graph_.add_node(std::move(made), vocabulary_);
}

Decoder DecoderBuilder::finish(ValueId logits) {
  graph_.logits = logits;
  return {std::move(graph_), vocabulary_, shape_.context, static_cast<int>(shape_.layers)};
}

}  // namespace burin::graph
