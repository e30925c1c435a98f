// Sizes of well-known models.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace burin::runtime {

// What a kind of decoder has. GGUF names its tensors alike whatever the architecture.
struct DecoderFamily {
  std::string_view
      architecture;  // as GGUF spells it; empty: Hugging Face's GPTJForCausalLM, which GGUF does not have
  bool layer_norm = false;  // else RMS norm
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

// "llama-7b", or "llama-7b:8": with 8 layers. Throws burin::Error naming the shapes there are.
ModelShape parse_shape(const std::string& text);

}  // namespace burin::runtime
