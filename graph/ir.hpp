// The decoder as a graph of few typed operations on rows of f32 values.
//
// Architectures (graph/arch) build it unfused, passes (graph/passes) rewrite it, the planner lowers it.
// Every value is a matrix rows x width, one row per token; a node makes one value from others.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace burin::graph {

using ValueId = int;
inline constexpr ValueId kNoValue = -1;

enum class Op : std::uint8_t { embed, norm, linear, rope, attention, activation, multiply, add };
enum class ActivationFunction : std::uint8_t { none, silu };

// x * weight / sqrt(mean(x^2) + epsilon)
struct NormAttributes {
  std::string weight;  // tensor [width]
  float epsilon = 0;
};

// How the elements of a head that rotate together lie in the stored rows of Q and K.
enum class RotaryStyle : std::uint8_t {
  interleaved,  // (0,1), (2,3), ...: GPT-J, and GGUF's llama
  halves,       // (0,r/2), (1,r/2+1), ...: GPT-NeoX, and Hugging Face's llama
};

struct RopeAttributes {
  RotaryStyle style = RotaryStyle::halves;
  int rotary = 0;  // leading elements of a head that rotate
  // Angle of pair i at position p is p * inverse_frequencies[i]; scaling is already in it.
  std::vector<double> inverse_frequencies;
  std::string factors;  // tensor [rotary/2] that divides the inverse frequencies; may be empty

  bool operator==(const RopeAttributes&) const = default;
};

struct AttentionAttributes {
  int layer = 0;
  int query_heads = 0;
  int kv_heads = 0;
  int head_size = 0;
  float scale = 0;
  RopeAttributes rope;  // of the fused form; unfused, rope nodes stand before the attention
};

// One matrix of a linear node: y = x * transpose(weight) + bias.
struct LinearPart {
  std::string weight;  // tensor [outputs, inputs]
  std::string bias;    // tensor [outputs]; may be empty
  std::int64_t outputs = 0;
};

// What a linear node does to its sums besides storing them; set by passes.
enum class LinearEpilogue : std::uint8_t {
  none,
  add,      // inputs[1] is added
  gate,     // parts are gate and up: activation(gate) * up
  rope_kv,  // parts are Q, K, V: rotated Q is the value, K and V go to the layer's cache
};

struct LinearAttributes {
  std::vector<LinearPart> parts;
  bool normed = false;  // `norm` is applied to the input first
  NormAttributes norm;
  LinearEpilogue epilogue = LinearEpilogue::none;
  ActivationFunction activation = ActivationFunction::none;  // gate
  AttentionAttributes attention;                             // rope_kv: heads, layer, rope
  bool last_row_only = false;                                // output head: only rows whose logits are wanted
};

struct Node {
  Op op = Op::add;
  std::string name;  // "blk.3.ffn_up"
  std::vector<ValueId> inputs;
  ValueId output = kNoValue;
  // The attributes of `op`; the others are unused.
  std::string table;  // embed: tensor [vocabulary, width]
  NormAttributes norm;
  LinearAttributes linear;
  RopeAttributes rope;
  AttentionAttributes attention;
  ActivationFunction activation = ActivationFunction::none;
};

struct Value {
  std::string name;
  std::int64_t width = 0;
};

struct Graph {
  std::vector<Value> values;
  std::vector<Node> nodes;  // in execution order
  ValueId logits = kNoValue;

  ValueId add_value(std::string name, std::int64_t width);
  // Adds a node that makes a new value of `width`; returns the value.
  ValueId add_node(Node node, std::int64_t width);

  const Node* producer(ValueId value) const;
  int uses(ValueId value) const;
};

// One line per node: "%7 blk.0.attn_q = linear(%5) blk.0.attn_q.weight [128]".
std::string to_text(const Graph& graph);

// Throws burin::Error naming the node where an input is used before it is made, or widths disagree.
void validate(const Graph& graph);

}  // namespace burin::graph
