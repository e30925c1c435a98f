// The shape, tensors and vocabulary of a LLaMA that is small enough to write to a file in every test.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "templates/formats/stored_type.hpp"
#include "tests/support/random_values.hpp"

namespace burin::tests {

// Scalings of rotary frequencies, with fixed parameters (see tiny_frequencies()).
enum class TinyRopeScaling { none, linear, llama3 };

struct TinyLlama {
  int hidden = 32;
  int feed_forward = 64;
  int layers = 1;
  int heads = 2;
  int kv_heads = 2;
  int context = 64;
  bool own_head = true;                                     // else the head is the embedding
  kernels::StoredType matrices = kernels::StoredType::f32;  // norms are always F32
  std::uint64_t seed = 1;
  int given_head_size = 0;  // where it is not hidden / heads
  bool biases = false;      // of Q, K and V
  float rope_base = 10000;
  TinyRopeScaling rope_scaling = TinyRopeScaling::none;

  int head_size() const { return given_head_size > 0 ? given_head_size : hidden / heads; }
};

inline constexpr double kTinyLinearFactor = 4;
inline constexpr double kTinyLlama3Factor = 8, kTinyLlama3Low = 1, kTinyLlama3High = 4,
                        kTinyLlama3Original = 64;

struct TinyTensor {
  std::string gguf_name;
  std::string hugging_face_name;
  std::vector<std::int64_t> shape;  // row-major
  std::vector<float> values;

  bool is_matrix() const { return shape.size() == 2; }
};

// Collects the tensors of tiny_tensors().
class TinyTensorList {
 public:
  TinyTensorList(const TinyLlama& model, std::int64_t vocabulary) : random_(model.seed) {
    const std::int64_t head_size = model.head_size();
    const std::int64_t kv_width = head_size * model.kv_heads;
    add("token_embd", "model.embed_tokens", {vocabulary, model.hidden});
    for (int layer = 0; layer < model.layers; ++layer) {
      const auto add_to_layer = [&](const char* gguf, const char* hugging_face,
                                    std::vector<std::int64_t> shape, const char* kind = "weight") {
        add(fmt::format("blk.{}.{}", layer, gguf), fmt::format("model.layers.{}.{}", layer, hugging_face),
            std::move(shape), kind);
      };
      add_to_layer("attn_norm", "input_layernorm", {model.hidden});
      add_to_layer("attn_q", "self_attn.q_proj", {head_size * model.heads, model.hidden});
      add_to_layer("attn_k", "self_attn.k_proj", {kv_width, model.hidden});
      add_to_layer("attn_v", "self_attn.v_proj", {kv_width, model.hidden});
      if (model.biases) {
        add_to_layer("attn_q", "self_attn.q_proj", {head_size * model.heads}, "bias");
        add_to_layer("attn_k", "self_attn.k_proj", {kv_width}, "bias");
        add_to_layer("attn_v", "self_attn.v_proj", {kv_width}, "bias");
      }
      add_to_layer("attn_output", "self_attn.o_proj", {model.hidden, head_size * model.heads});
      add_to_layer("ffn_norm", "post_attention_layernorm", {model.hidden});
      add_to_layer("ffn_gate", "mlp.gate_proj", {model.feed_forward, model.hidden});
      add_to_layer("ffn_up", "mlp.up_proj", {model.feed_forward, model.hidden});
      add_to_layer("ffn_down", "mlp.down_proj", {model.hidden, model.feed_forward});
    }
    add("output_norm", "model.norm", {model.hidden});
    if (model.own_head) add("output", "lm_head", {vocabulary, model.hidden});
  }

  std::vector<TinyTensor> take() { return std::move(tensors_); }

 private:
  void add(const std::string& gguf, const std::string& hugging_face, std::vector<std::int64_t> shape,
           const std::string& kind = "weight") {
    std::size_t count = 1;
    for (const std::int64_t dimension : shape) count *= static_cast<std::size_t>(dimension);
    std::vector<float> values = random_.values(count, 0.1f);
    if (shape.size() == 1 && kind == "weight")  // norm weights lie around 1
      for (float& value : values) value += 1;
    tensors_.push_back({gguf + "." + kind, hugging_face + "." + kind, std::move(shape), std::move(values)});
  }

  RandomValues random_;
  std::vector<TinyTensor> tensors_;
};

// Inverse frequencies of the model's rotary pairs, written down once more, apart from the product's.
inline std::vector<double> tiny_frequencies(const TinyLlama& model) {
  std::vector<double> frequencies;
  for (int pair = 0; pair < model.head_size() / 2; ++pair) {
    const double plain = std::pow(static_cast<double>(model.rope_base), -2.0 * pair / model.head_size());
    const double wave = 2 * std::numbers::pi / plain;
    double divisor = 1;
    if (model.rope_scaling == TinyRopeScaling::linear) divisor = kTinyLinearFactor;
    if (model.rope_scaling == TinyRopeScaling::llama3) {
      const double smooth =
          (kTinyLlama3Original / wave - kTinyLlama3Low) / (kTinyLlama3High - kTinyLlama3Low);
      const double kept = std::clamp(smooth, 0.0, 1.0);
      divisor = 1 / ((1 - kept) / kTinyLlama3Factor + kept);
    }
    frequencies.push_back(plain / divisor);
  }
  return frequencies;
}

inline std::vector<TinyTensor> tiny_tensors(const TinyLlama& model, std::int64_t vocabulary) {
  return TinyTensorList(model, vocabulary).take();
}

// --- vocabulary

// Token ids of every tiny vocabulary: unknown, begin, end, then 256 bytes, then what is below.
inline constexpr int kTinyUnknown = 0, kTinyBos = 1, kTinyEos = 2, kTinyFirstByte = 3, kTinyFirstPiece = 259;

// Pairs that merge, best first; '_' is the space.
inline const std::vector<std::pair<std::string, std::string>>& tiny_merges() {
  static const std::vector<std::pair<std::string, std::string>> merges = {
      {"_", "t"}, {"h", "e"},  {"_t", "he"}, {"i", "n"},  {"e", "r"},     {"a", "n"},  {"_", "a"},
      {"r", "e"}, {"o", "n"},  {"_", "s"},   {"n", "d"},  {"_a", "nd"},   {"in", "g"}, {"_", "o"},
      {"l", "l"}, {"o", "u"},  {"_", "i"},   {"_i", "s"}, {"_", "he"},    {"_", "h"},  {"e", "d"},
      {"o", "r"}, {"_o", "n"}, {"t", "o"},   {"u", "s"},  {"_the", "re"}, {"_", "w"},  {"a", "t"},
  };
  return merges;
}

struct TinyPiece {
  std::string text;  // spaces are U+2581
  float score = 0;
  int type = 1;  // as GGUF numbers them: 1 normal, 2 unknown, 3 control, 6 byte
};

// As a SentencePiece model would have them: 3 markers, 256 bytes, characters, merged pieces.
inline std::vector<TinyPiece> tiny_pieces() {
  const auto with_marks = [](const std::string& text) {
    std::string marked;
    for (const char c : text) marked += c == '_' ? std::string("\xe2\x96\x81") : std::string(1, c);
    return marked;
  };
  std::vector<TinyPiece> pieces = {{"<unk>", 0, 2}, {"<s>", 0, 3}, {"</s>", 0, 3}};
  for (int byte = 0; byte < 256; ++byte) pieces.push_back({fmt::format("<0x{:02X}>", byte), 0, 6});
  float score = 0;
  for (const auto& [left, right] : tiny_merges()) {
    const std::string text = with_marks(left + right);
    bool known = false;
    for (const TinyPiece& piece : pieces) known |= piece.text == text;
    if (!known) pieces.push_back({text, --score, 1});
  }
  for (const char c : std::string("_etaoinsrhldugw"))
    pieces.push_back({with_marks(std::string(1, c)), --score, 1});
  return pieces;
}

}  // namespace burin::tests
