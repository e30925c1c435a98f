// Sizes of well-known models that GGUF files hold, so that other engines can be given them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace burin::runtime {

// What a kind of decoder has. GGUF names its tensors alike whatever the architecture.
struct DecoderFamily {
  std::string_view architecture;  // as GGUF spells it
  bool layer_norm = false;        // else RMS norm
  bool norm_biases = false;
  bool biases = false;  // of matrices
  bool packed_qkv = false;
  bool gated = false;       // feed-forward of three matrices
  bool second_norm = true;  // before the feed-forward
  bool own_head = false;    // else the embedding is the head
  bool embedding_norm = false;
  bool head_norms = false;  // of queries and keys
};

struct ModelShape {
  std::string_view name;
  const DecoderFamily* family;
  std::int64_t hidden, feed_forward, layers, heads, kv_heads, vocabulary, context;
  double rope_base = 10000;
  std::int64_t experts = 0, used = 0;  // whose width is feed_forward
  std::int64_t head = 0;               // 0: hidden / heads
  std::int64_t rotated = 0;            // of a head; 0: all

  std::int64_t head_size() const { return head > 0 ? head : hidden / heads; }
  std::int64_t query_width() const { return head_size() * heads; }
  std::int64_t kv_width() const { return head_size() * kv_heads; }
};

// "llama-7b"; "llama-7b:8": with 8 layers; "llama-7b:8:512": and a vocabulary of 512.
struct ShapeName {
  std::string_view name;        // within the text
  std::int64_t layers = 0;      // 0: as published
  std::int64_t vocabulary = 0;  // likewise
};
// Throws burin::Error for numbers that cannot be.
ShapeName parse_shape_name(const std::string& text);

// The shape with the layers and the vocabulary asked for; none where it has none of the name.
std::optional<ModelShape> find_shape(const ShapeName& name);
std::vector<std::string_view> shape_names();

}  // namespace burin::runtime
