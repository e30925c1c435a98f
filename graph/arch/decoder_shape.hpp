// The sizes every decoder has, read from either kind of configuration.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/config_reader.hpp"
#include "graph/ir.hpp"

namespace burin::graph {

struct DecoderShape {
  std::int64_t hidden = 0;
  std::int64_t feed_forward = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_size = 0;
  std::int64_t context = 0;  // that the model was trained for
  float epsilon = 0;         // of the norms
  NormKind norm = NormKind::rms;

  std::int64_t query_width() const { return heads * head_size; }
  std::int64_t kv_width() const { return kv_heads * head_size; }
};

// Keys of config.json that older architectures spell in their own way. An empty one is not looked for.
struct HuggingFaceKeys {
  std::string_view hidden = "hidden_size";
  std::string_view layers = "num_hidden_layers";
  std::string_view heads = "num_attention_heads";
  std::string_view kv_heads = "num_key_value_heads";  // where missing: heads
  std::string_view head_size = "head_dim";            // where missing: hidden / heads
  std::string_view context = "max_position_embeddings";
  std::string_view feed_forward = "intermediate_size";
  std::int64_t feed_forward_factor = 0;  // where feed_forward is missing: so many times hidden; 0: required
  std::string_view epsilon = "rms_norm_eps";
  double default_epsilon = 1e-6;
};

// Of GGUF files.
struct HeadKeys {
  std::string_view size = "attention.key_length";
  std::string_view value_size =
      "attention.value_length";  // must equal the size; an empty one is not looked for
};

// GGUF keys begin with general.architecture. Every value is checked against what can be.
DecoderShape read_shape(const ModelDescription& model, NormKind norm, const HuggingFaceKeys& keys = {},
                        const HeadKeys& gguf_keys = {});

// A key of a GGUF file: "qwen2.attention.scale".
std::string gguf_key(const ModelDescription& model, std::string_view name);
// The key of a setting in whichever kind of file the model is.
std::string config_key(const ModelDescription& model, std::string_view gguf, std::string_view hugging_face);

struct RotarySettings {
  RotaryStyle hugging_face = RotaryStyle::halves;
  RotaryStyle gguf = RotaryStyle::halves;
  std::int64_t elements = 0;         // of a head that rotate; 0: as the configuration says, else all
  std::string_view layer_type = {};  // whose object of Hugging Face's rope_parameters counts
  // Whether YaRN's bounds are rounded. Hugging Face: "truncate", of which GGUF has no key.
  bool gguf_whole_pairs = true;
};
RopeAttributes read_rope(const ModelDescription& model, const DecoderShape& shape,
                         const RotarySettings& settings = {});

// Positions that a position sees, itself among them; 0: all before it. Hugging Face: sliding_window.
// GGUF: attention.sliding_window, and where it is missing `gguf_default`.
std::int64_t read_window(const ModelDescription& model, std::int64_t gguf_default = 0);
// Per layer. Hugging Face's layer_types ("sliding_attention", "full_attention"); where missing, and in GGUF
// files, layers slide of which `slides` says so.
std::vector<std::int64_t> read_windows(const ModelDescription& model, const DecoderShape& shape,
                                       const std::function<bool(std::int64_t)>& slides,
                                       std::int64_t gguf_default = 0);
// Qwen2 and 3: windows only with use_sliding_window, in the layers from max_window_layers on.
std::vector<std::int64_t> read_qwen_windows(const ModelDescription& model, const DecoderShape& shape);

// Hugging Face's names ("gelu_new"). GGUF files name none: there it is `otherwise`.
ActivationFunction read_activation(const ModelDescription& model, std::string_view key,
                                   std::string_view otherwise);

// ALiBi (Press et al. 2022): slopes of the heads; for a number that is no power of two, those of the next
// smaller power and every other one of the next larger.
std::vector<double> alibi_slopes(std::int64_t heads, double largest_exponent = 8);

// Throws where the config has `key` set to something else than `value`, which is all there is support for.
void require_setting(const ConfigReader& config, std::string_view key, bool value);

}  // namespace burin::graph
