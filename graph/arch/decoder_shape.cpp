#include "graph/arch/decoder_shape.hpp"

#include <cmath>
#include <utility>

#include "graph/rope_frequencies.hpp"
#include "jit/error.hpp"

namespace burin::graph {
namespace {

constexpr std::int64_t kMostWidth = 1 << 20;
constexpr std::int64_t kMostLayers = 1 << 16;
constexpr std::int64_t kMostHeads = 1 << 14;
constexpr std::int64_t kMostHeadSize = 1 << 12;
constexpr std::int64_t kMostContext = 1 << 30;
constexpr std::int64_t kDefaultContext = 2048;

DecoderShape gguf_shape(const ModelDescription& model, NormKind norm, const HeadKeys& heads) {
  const ConfigReader config(model);
  const auto key = [&](std::string_view name) { return gguf_key(model, name); };
  DecoderShape s;
  s.hidden = config.integer(key("embedding_length"), 1, kMostWidth);
  s.feed_forward = config.integer(key("feed_forward_length"), 1, kMostWidth);
  s.layers = config.integer(key("block_count"), 1, kMostLayers);
  s.heads = config.integer(key("attention.head_count"), 1, kMostHeads);
  s.kv_heads = config.integer_or(key("attention.head_count_kv"), s.heads, 1, s.heads);
  s.head_size = config.integer_or(key(heads.size), s.hidden / s.heads, 1, kMostHeadSize);
  if (!heads.value_size.empty() &&
      config.integer_or(key(heads.value_size), s.head_size, 1, kMostHeadSize) != s.head_size)
    config.refuse(key(heads.value_size), "not supported yet: must equal the key length");
  s.context = config.integer_or(key("context_length"), kDefaultContext, 1, kMostContext);
  const std::string_view epsilon =
      norm == NormKind::rms ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon";
  s.epsilon = static_cast<float>(config.number(key(epsilon), 0, 1));
  return s;
}

DecoderShape hugging_face_shape(const ModelDescription& model, const HuggingFaceKeys& keys) {
  const ConfigReader config(model);
  const auto optional = [&](std::string_view key, std::int64_t otherwise, std::int64_t most) {
    return key.empty() ? otherwise : config.integer_or(key, otherwise, 1, most);
  };
  DecoderShape s;
  s.hidden = config.integer(keys.hidden, 1, kMostWidth);
  s.feed_forward = keys.feed_forward_factor > 0
                       ? optional(keys.feed_forward, keys.feed_forward_factor * s.hidden, kMostWidth)
                       : config.integer(keys.feed_forward, 1, kMostWidth);
  s.layers = config.integer(keys.layers, 1, kMostLayers);
  s.heads = config.integer(keys.heads, 1, kMostHeads);
  s.kv_heads = optional(keys.kv_heads, s.heads, s.heads);
  s.head_size = optional(keys.head_size, s.hidden / s.heads, kMostHeadSize);
  s.context = optional(keys.context, kDefaultContext, kMostContext);
  s.epsilon = static_cast<float>(config.number_or(keys.epsilon, keys.default_epsilon, 0, 1));
  return s;
}

std::int64_t hugging_face_rotary(const ConfigReader& config, std::int64_t head_size) {
  const std::optional<ConfigReader> newer = config.object("rope_parameters");
  double share = 1;
  for (const std::string_view key : {"partial_rotary_factor", "rotary_pct"}) {
    const ConfigReader& at = newer && newer->has(key) ? *newer : config;
    if (at.has(key)) share = at.number(key, 0, 1);
  }
  return static_cast<std::int64_t>(share * static_cast<double>(head_size));
}

}  // namespace

DecoderShape read_shape(const ModelDescription& model, NormKind norm, const HuggingFaceKeys& keys,
                        const HeadKeys& gguf_keys) {
  DecoderShape s =
      model.origin == Origin::gguf ? gguf_shape(model, norm, gguf_keys) : hugging_face_shape(model, keys);
  s.norm = norm;
  if (s.heads % s.kv_heads != 0)
    fail("{}: {} attention heads and {} KV heads: the first must be a multiple of the second", model.path,
         s.heads, s.kv_heads);
  if (s.head_size < 2 || s.head_size % 2 != 0)
    fail("{}: head size is {}: must be even and at least 2", model.path, s.head_size);
  return s;
}

std::string gguf_key(const ModelDescription& model, std::string_view name) {
  return fmt::format("{}.{}", model.architecture, name);
}

std::string config_key(const ModelDescription& model, std::string_view gguf, std::string_view hugging_face) {
  return model.origin == Origin::gguf ? gguf_key(model, gguf) : std::string(hugging_face);
}

RopeAttributes read_rope(const ModelDescription& model, const DecoderShape& shape,
                         const RotarySettings& settings) {
  const ConfigReader config(model);
  const bool gguf = model.origin == Origin::gguf;
  const std::string dimension_key = gguf_key(model, "rope.dimension_count");
  std::int64_t rotary = settings.elements;
  if (rotary == 0)
    rotary = gguf ? config.integer_or(dimension_key, shape.head_size, 2, shape.head_size)
                  : hugging_face_rotary(config, shape.head_size);
  if (gguf && rotary % 2 != 0) config.refuse(dimension_key, "must be even");
  if (rotary < 2 || rotary % 2 != 0 || rotary > shape.head_size)
    fail("{}: {} of the {} elements of a head rotate: must be even and at least 2", model.path, rotary,
         shape.head_size);
  const int elements = static_cast<int>(rotary);
  RopeAttributes rope = gguf ? gguf_rope(config, model.architecture, elements, settings.gguf_whole_pairs)
                             : hugging_face_rope(config, elements, settings.layer_type);
  rope.style = gguf ? settings.gguf : settings.hugging_face;
  rope.head_size = static_cast<int>(shape.head_size);
  if (gguf && model.find("rope_freqs.weight") >= 0) {
    require_tensor(model, "rope_freqs.weight", {rotary / 2});
    rope.factors = "rope_freqs.weight";
  }
  return rope;
}

std::int64_t read_window(const ModelDescription& model, std::int64_t gguf_default) {
  const std::string key = config_key(model, "attention.sliding_window", "sliding_window");
  const std::int64_t otherwise = model.origin == Origin::gguf ? gguf_default : 0;
  return ConfigReader(model).integer_or(key, otherwise, 0, kMostContext);
}

std::vector<std::int64_t> read_windows(const ModelDescription& model, const DecoderShape& shape,
                                       const std::function<bool(std::int64_t)>& slides,
                                       std::int64_t gguf_default) {
  const ConfigReader config(model);
  const auto layers = static_cast<std::size_t>(shape.layers);
  const std::int64_t window = read_window(model, gguf_default);
  std::vector<std::int64_t> windows(layers, 0);
  if (model.origin == Origin::hugging_face && config.has("layer_types")) {
    const std::vector<std::string> types = config.texts("layer_types", layers);
    for (std::size_t layer = 0; layer < layers; ++layer) {
      if (types[layer] == "sliding_attention")
        windows[layer] = window;
      else if (types[layer] != "full_attention")
        config.refuse("layer_types", "not supported yet: sliding_attention and full_attention are");
    }
  } else {
    for (std::size_t layer = 0; layer < layers; ++layer)
      if (slides(static_cast<std::int64_t>(layer))) windows[layer] = window;
  }
  return windows;
}

std::vector<std::int64_t> read_qwen_windows(const ModelDescription& model, const DecoderShape& shape) {
  const ConfigReader config(model);
  if (!config.boolean_or("use_sliding_window", false))
    return std::vector<std::int64_t>(static_cast<std::size_t>(shape.layers), 0);
  const std::int64_t first = config.integer_or("max_window_layers", shape.layers, 0, kMostLayers);
  return read_windows(model, shape, [&](std::int64_t layer) { return layer >= first; });
}

ActivationFunction read_activation(const ModelDescription& model, std::string_view key,
                                   std::string_view otherwise) {
  using enum ActivationFunction;
  constexpr std::pair<std::string_view, ActivationFunction> kNames[] = {
      {"silu", silu},          {"swish", silu},          {"gelu", gelu_erf},
      {"gelu_new", gelu_tanh}, {"gelu_fast", gelu_tanh}, {"gelu_pytorch_tanh", gelu_tanh},
      {"relu", relu},          {"relu2", relu_squared},  {"gelu_python", gelu_erf}};
  const ConfigReader config(model);
  const std::string name = config.text_or(key, otherwise);
  for (const auto& [known, function] : kNames)
    if (known == name) return function;
  config.refuse(key, "not supported: silu, gelu, gelu_new, gelu_pytorch_tanh, relu and relu2 are");
}

std::vector<double> alibi_slopes(std::int64_t heads, double largest_exponent) {
  std::int64_t power = 1;
  while (power * 2 <= heads) power *= 2;
  const double step = largest_exponent / static_cast<double>(power);
  std::vector<double> slopes;
  for (std::int64_t head = 0; head < heads; ++head) {
    const double exponent = head < power ? static_cast<double>(head + 1) * step
                                         : (static_cast<double>(head - power) + 0.5) * step;
    slopes.push_back(std::exp2(-exponent));
  }
  return slopes;
}

void require_setting(const ConfigReader& config, std::string_view key, bool value) {
  if (config.boolean_or(key, value) != value)
    config.refuse(key, fmt::format("not supported yet: {} is", value));
}

}  // namespace burin::graph
