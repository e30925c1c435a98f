// The decoder as a graph of few typed operations on rows of f32 values.
//
// Architectures (graph/arch) build it unfused, passes (graph/passes) rewrite it, the planner lowers it.
// Every value is a matrix rows x width, one row per token; a node makes one value from others.
// tests/oracle/graph_oracle.hpp computes each operation in plain double arithmetic.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "templates/math/activation_function.hpp"

namespace burin::graph {

using ValueId = int;
inline constexpr ValueId kNoValue = -1;

enum class Op : std::uint8_t {
  embed,         // ()                 a row of a table per token or position
  norm,          // (x)
  linear,        // (x)                x * transpose(weight) + bias
  rope,          // (x)                rotates pairs of each head by the position
  attention,     // (q, k, v)          causal; latent: (q, k, v, rotated q, rotated k)
  activation,    // (x)
  multiply,      // (x, y)
  add,           // (x, y)
  scale,         // (x)                constant * x
  clip,          // (x)                x within -constant .. constant
  soft_cap,      // (x)                constant * tanh(x / constant)
  route,         // (logits)           weights of experts; 0 where one is not chosen
  experts,       // (x, weights)       weighted sum of the experts' gated feed-forward
  expert_gates,  // (x, weights)     fused form: what goes into the chosen experts' down matrices, side by side
  expert_sums,   // (that, weights, y)  fused form: y + weighted sum of what the down matrices make of it
  heads,   // (q k v)            fused form: what lies between projections and attention; see HeadsAttributes
  latent,  // (q, kv)            fused form of latent attention: likewise; see LatentAttributes
};

using kernels::ActivationFunction;

enum class EmbedIndex : std::uint8_t { token, position };

struct EmbedAttributes {
  std::string table;  // tensor [entries, width]
  EmbedIndex index = EmbedIndex::token;
  std::int64_t offset = 0;  // added to the index
  float factor = 1;         // of the row
};

enum class NormKind : std::uint8_t {
  rms,    // x / sqrt(mean(x^2) + epsilon)
  layer,  // (x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon)
};

// The normalised values times (weight + weight_offset), plus bias.
struct NormAttributes {
  std::string weight;  // tensor [group] (the same for all groups), or of all values of the row
  float epsilon = 0;
  NormKind kind = NormKind::rms;
  std::string bias;         // tensor like weight; may be empty
  float weight_offset = 0;  // Gemma stores weight - 1
  std::int64_t group = 0;   // values normalised together, a head's for Q and K norms; 0: the whole row
  std::vector<std::string> weights = {};  // instead of `weight`: a tensor [group] for each group

  bool operator==(const NormAttributes&) const = default;
};

// How the elements of a head that rotate together lie in the stored rows of Q and K.
enum class RotaryStyle : std::uint8_t {
  interleaved,  // (0,1), (2,3), ...: GPT-J, and GGUF's llama
  halves,       // (0,r/2), (1,r/2+1), ...: GPT-NeoX, and Hugging Face's llama
};

// What rotates sequences that are longer than `context`; see rope_frequencies.hpp.
struct LongRope {
  std::int64_t context = 0;  // 0: nothing changes however long a sequence is
  // longrope: these instead. Empty for dynamic NTK, which raises the base with the length.
  std::vector<double> inverse_frequencies;
  std::string factors;  // as RopeAttributes::factors
  double ntk_base = 0;  // dynamic NTK
  double ntk_factor = 1;
  bool ntk_doubles = false;  // the length counts as the next power of two times `context` (Qwen)

  bool operator==(const LongRope&) const = default;
};

struct RopeAttributes {
  RotaryStyle style = RotaryStyle::halves;
  int head_size = 0;
  int rotary = 0;  // leading elements of a head that rotate
  // Angle of pair i at position p is p * inverse_frequencies[i]; scaling is already in it.
  std::vector<double> inverse_frequencies;
  std::string factors;   // tensor [rotary/2] that divides the inverse frequencies; may be empty
  double magnitude = 1;  // of the rotated elements (YaRN, longrope)
  LongRope longer;

  bool operator==(const RopeAttributes&) const = default;
};

struct AttentionAttributes {
  int layer = 0;
  int query_heads = 0;
  int kv_heads = 0;
  int head_size = 0;  // of queries and keys
  float scale = 0;
  RopeAttributes rope;         // of the fused form; unfused, rope nodes stand before the attention
  int value_size = 0;          // 0: head_size
  std::int64_t window = 0;     // a position sees itself and window - 1 before it; 0: all before it
  float soft_cap = 0;          // scores become cap * tanh(score / cap); 0: they stay
  std::vector<double> slopes;  // ALiBi, per query head: score - slope * distance; empty: none
  std::string sinks;           // tensor [query_heads]: a score that takes part in the softmax only
  // Queries at positions p from this one on are multiplied by log(p + 1) / log(log_context); 0: none.
  std::int64_t log_context = 0;
  // Latent attention: inputs[3] has this many more elements per query head, inputs[4] as many for all heads
  // together; their product is added to that of q and k.
  int shared_size = 0;

  int value_width() const { return value_size > 0 ? value_size : head_size; }
};

inline constexpr std::int64_t kAllSlices = -1;

// Which rows of a stored tensor are a part's outputs: `run` rows every `stride` rows, from `first` on.
//
//   packed by head:  | q0 | k0 | v0 | q1 | k1 | v1 |    k is first = size, run = size, stride = 3 * size
//   one by one:      |    q    |    k    |    v    |    k is first = width, run = 0
struct MatrixView {
  std::int64_t first = 0;
  std::int64_t run = 0;  // 0: all outputs
  std::int64_t stride = 0;
  bool transposed = false;  // stored [inputs, rows]
  // Of a tensor [slices, rows, inputs] (bias: [slices, rows]); kAllSlices: all rows of all slices, one behind the
  // other. Transposed, each slice is.
  std::int64_t slice = 0;

  std::int64_t row(std::int64_t output) const {
    return run == 0 ? first + output : first + output / run * stride + output % run;
  }
  bool operator==(const MatrixView&) const = default;
};

// One matrix of a linear node: y = x * transpose(weight) + bias.
struct LinearPart {
  std::string weight;  // tensor [rows, inputs]
  std::string bias;    // tensor [rows]; may be empty
  std::int64_t outputs = 0;
  MatrixView view = {};
  // Where a latent node reads the outputs; set by passes.
  int heads = 0;         // they are those of so many heads, each in columns of its own; 0: of none
  bool rotated = false;  // and rotate
  // Input i is value orders[order][i] of x (ModelDescription::orders). -1: value i.
  int order = -1;
  bool unit_rows = false;  // each stored row is divided by its length first
};

// What a linear node does to its sums besides storing them; set by passes.
enum class LinearEpilogue : std::uint8_t {
  none,
  add,       // inputs[1] is added
  activate,  // activation(sums)
  gate,      // parts are gate and up: activation(gate) * up
  rope_kv,   // parts are Q, K, V: rotated Q is the value, K and V go to the layer's cache
  qkv,       // parts are Q, K, V: stored for a heads node
  latent,    // parts end with what a latent node reads: stored for it
};

struct LinearAttributes {
  std::vector<LinearPart> parts;
  bool normed = false;  // `norm` is applied to the input first
  NormAttributes norm;
  LinearEpilogue epilogue = LinearEpilogue::none;
  ActivationFunction activation = ActivationFunction::none;  // activate, gate
  AttentionAttributes attention;                             // rope_kv, qkv, latent: heads, layer, rope
  float factor = 1;                                          // of the sums, bias included
  bool last_row_only = false;                                // output head: only rows whose logits are wanted
  std::int64_t inputs = 0;  // only so many values of the row are read, the first; 0: all
  // The row is that of so many heads, and so is the one matrix: outputs of a head are of its own inputs. 0: none.
  int heads = 0;
};

// Q, K and V of an attention, clipped or Q and K normalised; then as rope_kv.
struct HeadsAttributes {
  AttentionAttributes attention;  // heads, layer, rope
  float limit = 0;                // 0: not clipped
  bool normed = false;
  NormAttributes query_norm;
  NormAttributes key_norm;
};

// Latent attention with one KV head, whose keys are the rotated shared key and the normalised latent row, and whose
// values are that row (templates/latent/latent_spec.hpp). Of rows as follows (one and the
// same, or two), with H heads:
//
//   q:   [plain part of q: H * P][rotated part: H * R] ...       kv:  ... [rotated key: R][latent row: L]
//
// it makes queries: of each head [rotated part][transposed matrix of the head's keys times plain part], R + L
// values. The key's row and the value's go to the layer's cache.
struct LatentAttributes {
  AttentionAttributes attention;  // kv_heads is 1, head_size R + L, value_size L; rope is of R
  LinearPart keys;                // of the latent row: H * P outputs, L inputs
  NormAttributes norm;            // of the latent row

  int plain_size() const { return static_cast<int>(keys.outputs / attention.query_heads); }
  int rotated_size() const { return attention.head_size - attention.value_size; }
};

// The `used` experts with the largest logits, weighted by the softmax over all logits.
struct RouteAttributes {
  std::int64_t used = 0;
  bool normalise = false;  // the chosen weights are divided by their sum
  float scale = 1;         // of the weights
  // Only experts of the `groups_used` groups whose largest weight is largest may be chosen (DeepSeek-V2).
  std::int64_t groups = 1;
  std::int64_t groups_used = 1;
};

struct Expert {
  LinearPart gate, up, down;
};

// down(activation(gate(x)) * up(x)) of every expert; with `limit`, as gpt-oss defines its gate:
// g = min(gate(x), limit), u = up(x) within -limit .. limit: down(g * sigmoid(slope * g) * (u + 1)).
struct ExpertsAttributes {
  std::vector<Expert> experts;
  ActivationFunction activation = ActivationFunction::none;
  float limit = 0;  // 0: the plain form
  float slope = 0;
  // Of the fused forms. Chosen experts stand in ascending order.
  std::int64_t used = 0;
  bool normed = false;  // expert_gates: `norm` is applied to the input first
  NormAttributes norm;
};

struct Node {
  Op op = Op::add;
  std::string name;  // "blk.3.ffn_up"
  std::vector<ValueId> inputs;
  ValueId output = kNoValue;
  // The attributes of `op`; the others are unused.
  EmbedAttributes embed;
  NormAttributes norm;
  LinearAttributes linear;
  RopeAttributes rope;
  AttentionAttributes attention;
  HeadsAttributes heads;
  LatentAttributes latent;
  ActivationFunction activation = ActivationFunction::none;
  float constant = 0;  // scale, clip, soft_cap
  RouteAttributes route;
  ExpertsAttributes experts;
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

  std::int64_t width(ValueId value) const { return values[static_cast<std::size_t>(value)].width; }
  const Node* producer(ValueId value) const;
  int uses(ValueId value) const;
};

std::string_view name_of(Op op);
std::string_view name_of(ActivationFunction function);

// One line per node with all its attributes that are not at their defaults:
// "%7 blk.0.attn_q = linear(%5) blk.0.attn_q.weight[128]".
std::string to_text(const Graph& graph);

// Throws burin::Error naming the node where an input is used before it is made, widths disagree, or
// attributes make no sense.
void validate(const Graph& graph);

}  // namespace burin::graph
