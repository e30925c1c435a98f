// Adds the nodes of one decoder, checking each tensor's presence and shape. What architectures have in
// common is here; what tells them apart is in their files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "graph/arch/architectures.hpp"
#include "graph/arch/decoder_shape.hpp"
#include "graph/arch/tensor_names.hpp"

namespace burin::graph {

// Query, key and value rows of a layer.
struct Qkv {
  ValueId q = kNoValue;
  ValueId k = kNoValue;
  ValueId v = kNoValue;
};

// How one stored matrix holds Q, K and V. G = heads / kv_heads.
enum class QkvPacking : std::uint8_t {
  one_by_one,  // | all q | all k | all v |
  by_kv_head,  // | G q | k | v | G q | k | v | ...
};

// The matrices of a gated feed-forward.
struct GateNames {
  std::string_view gate = "ffn_gate";
  std::string_view up = "ffn_up";
  std::string_view down = "ffn_down";
};

// Tensors are called by their GGUF names, without ".weight"; nodes are named after their tensors. Nodes go to
// the layer that was entered last, or stand outside the layers. A bias is taken where the file has one.
class DecoderBuilder {
 public:
  // `own_names` and `model` must live as long as this object.
  DecoderBuilder(const ModelDescription& model, const DecoderShape& shape,
                 std::span<const TensorName> own_names = {});

  const DecoderShape& shape() const { return shape_; }
  bool gguf() const { return model_.origin == Origin::gguf; }
  bool has(std::string_view name) const;  // "attn_norm_2": its weight or bias is in the file
  // Throws where the file has a tensor of this name: `what` are not supported yet.
  void refuse_tensor(std::string_view stored, std::string_view what) const;
  // With ".weight" or ".bias": the file's name.
  std::string tensor(std::string_view name, std::string_view kind = "weight") const;

  void enter_layer(std::int64_t layer) { layer_ = layer; }
  void leave_layers() { layer_ = -1; }

  // Rows of the token table, `width` wide (0: hidden).
  ValueId embed_tokens(std::int64_t width = 0);
  // Rows of "position_embd" [context + offset, hidden].
  ValueId embed_positions(std::int64_t offset = 0);

  void set_norm_weight_offset(float offset) { norm_weight_offset_ = offset; }
  ValueId norm(std::string_view name, ValueId x);       // over the row
  ValueId head_norm(std::string_view name, ValueId x);  // over each head, all with one weight
  // Over each head with weights of its own: a tensor [heads, head size], or where its name has a {}, the
  // head's number, as many tensors [head size].
  ValueId own_head_norms(std::string_view name, ValueId x);

  // A matrix of the file, or rows of one; `node` names the latter.
  ValueId linear(std::string_view name, std::int64_t outputs, ValueId x);
  ValueId linear_rows(std::string_view node, const LinearPart& part, ValueId x);
  // Checks that a part's tensor is [rows, inputs] (transposed: [inputs, rows]) and its bias [rows].
  LinearPart part(std::string_view name, std::int64_t outputs, std::int64_t stored_rows, std::int64_t inputs,
                  const MatrixView& view = {}) const;
  // One matrix [outputs, inputs] of a tensor [slices, outputs, inputs].
  LinearPart slice_of(std::string_view name, std::int64_t slice, std::int64_t slices, std::int64_t outputs,
                      std::int64_t inputs) const;
  // All of them as one matrix [slices * outputs, inputs]; transposed: of a tensor [slices, inputs, outputs].
  LinearPart slices_of(std::string_view name, std::int64_t slices, std::int64_t outputs, std::int64_t inputs,
                       bool transposed) const;

  Qkv qkv(ValueId x);  // attn_q, attn_k, attn_v
  Qkv packed_qkv(ValueId x, QkvPacking packing = QkvPacking::one_by_one,
                 bool transposed = false);  // attn_qkv
  ValueId rope(std::string_view node, ValueId x, const RopeAttributes& rope);
  Qkv rotated(const Qkv& qkv, const RopeAttributes& rope);  // q and k

  // Of the layer, with all heads and a scale of 1/sqrt(head size).
  AttentionAttributes attention_attributes() const;
  // Attention and its output projection, attn_output.
  ValueId attention(const Qkv& qkv, const AttentionAttributes& attributes);
  ValueId attention(const Qkv& qkv) { return attention(qkv, attention_attributes()); }
  // Attention alone, over any inputs.
  ValueId attention_node(std::vector<ValueId> inputs, AttentionAttributes attributes);

  // down(activation(gate(x)) * up(x)); packed: gate and up are rows of ffn_up.
  ValueId gated_feed_forward(ValueId x, ActivationFunction activation) {
    return gated_feed_forward(x, activation, shape_.feed_forward, {});
  }
  ValueId gated_feed_forward(ValueId x, ActivationFunction activation, std::int64_t width,
                             const GateNames& names);
  ValueId packed_gated_feed_forward(ValueId x, ActivationFunction activation);
  // down(activation(up(x))): ffn_up, ffn_down; transposed: stored [inputs, outputs].
  ValueId feed_forward(ValueId x, ActivationFunction activation, bool transposed = false);

  ValueId activation(ActivationFunction function, ValueId x);
  ValueId multiply(std::string_view node, ValueId x, ValueId y) { return binary(Op::multiply, node, x, y); }
  ValueId add(std::string_view node, ValueId x, ValueId y) { return binary(Op::add, node, x, y); }
  ValueId with_constant(Op op, std::string_view node, float constant, ValueId x);  // scale, clip, soft_cap
  // Any node, named after `node`; throws where it is ill-formed once all are there.
  ValueId add_node(Node made, std::string_view node, std::int64_t width);

  // The logits of normed rows: through "output", or the token table where the head is tied to it. GGUF says
  // so by leaving "output" out, Hugging Face by tie_word_embeddings, whose default is the architecture's.
  ValueId head(ValueId x, bool tied_by_default = false, bool unit_rows = false);
  Decoder finish(ValueId logits);

 private:
  std::string spelled(std::string_view name) const;
  ValueId gate_product(ValueId gate, ValueId up, ActivationFunction activation);
  ValueId binary(Op op, std::string_view node, ValueId x, ValueId y);
  NormAttributes norm_attributes(std::int64_t group) const;
  ValueId add_norm(NormAttributes attributes, std::string_view node, ValueId x);
  ValueId norm_node(std::string_view name, ValueId x, std::int64_t group);

  const ModelDescription& model_;
  DecoderShape shape_;
  TensorNames names_;
  std::int64_t vocabulary_ = 0;
  std::int64_t layer_ = -1;
  float norm_weight_offset_ = 0;
  Graph graph_;
};

}  // namespace burin::graph
