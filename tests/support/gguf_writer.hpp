// Writes small GGUF files in memory, right or wrong as a test wants them.
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/support/byte_text.hpp"
#include "tests/support/stored_values.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/tiny_llama.hpp"

namespace burin::tests {

struct GgufEntry {
  std::string key;
  std::uint32_t type = 0;
  std::string value;  // as stored, without the type
};

struct GgufTensorEntry {
  std::string name;
  std::vector<std::uint64_t> dimensions;  // as stored: innermost first
  std::uint32_t type = 0;
  std::string data;
  std::optional<std::uint64_t> offset;  // else behind the tensor before
};

inline std::string gguf_text(std::string_view text) {
  return value_bytes(static_cast<std::uint64_t>(text.size())) + std::string(text);
}

// The id of a C++ type among GGUF's metadata types.
template <typename Value>
constexpr std::uint32_t gguf_type() {
  if constexpr (std::is_same_v<Value, std::uint8_t>) return 0;
  if constexpr (std::is_same_v<Value, std::int8_t>) return 1;
  if constexpr (std::is_same_v<Value, std::uint16_t>) return 2;
  if constexpr (std::is_same_v<Value, std::int16_t>) return 3;
  if constexpr (std::is_same_v<Value, std::uint32_t>) return 4;
  if constexpr (std::is_same_v<Value, std::int32_t>) return 5;
  if constexpr (std::is_same_v<Value, float>) return 6;
  if constexpr (std::is_same_v<Value, bool>) return 7;
  if constexpr (std::is_same_v<Value, std::string>) return 8;
  if constexpr (std::is_same_v<Value, std::uint64_t>) return 10;
  if constexpr (std::is_same_v<Value, std::int64_t>) return 11;
  if constexpr (std::is_same_v<Value, double>) return 12;
}

// In the order of StoredType, up to the last one that tests write.
inline std::uint32_t ggml_type_id(kernels::StoredType type) {
  static constexpr std::array kIds = {0u,  1u,  30u, 2u,  3u,  6u,  7u,  8u,
                                      10u, 11u, 12u, 13u, 14u, 20u, 23u, 39u};
  return kIds.at(static_cast<std::size_t>(type));
}

// Every part may be changed before bytes() puts the file together.
struct GgufWriter {
  std::string magic = "GGUF";
  std::uint32_t version = 3;
  std::size_t alignment = 32;                   // of the data; general.alignment is written by set() only
  std::optional<std::uint64_t> tensor_count;    // where the file is to lie about it
  std::optional<std::uint64_t> metadata_count;  // likewise
  std::vector<GgufEntry> metadata;
  std::vector<GgufTensorEntry> tensors;

  // Sets a key, in place of the value it may have.
  template <typename Value>
  void set(const std::string& key, const Value& value) {
    if constexpr (std::is_convertible_v<Value, std::string>)
      set_stored(key, 8, gguf_text(value));
    else
      set_stored(key, gguf_type<Value>(), value_bytes(value));
  }
  template <typename Value>
  void set_array(const std::string& key, const std::vector<Value>& values) {
    std::string stored = value_bytes(gguf_type<Value>()) + value_bytes(std::uint64_t{values.size()});
    for (const Value& value : values) {
      if constexpr (std::is_same_v<Value, std::string>)
        stored += gguf_text(value);
      else
        append_value(stored, value);
    }
    set_stored(key, 9, std::move(stored));
  }
  void set_stored(const std::string& key, std::uint32_t type, std::string value) {
    for (GgufEntry& entry : metadata) {
      if (entry.key != key) continue;
      entry.type = type;
      entry.value = std::move(value);
      return;
    }
    metadata.push_back({key, type, std::move(value)});
  }
  void remove(const std::string& key) {
    std::erase_if(metadata, [&](const GgufEntry& entry) { return entry.key == key; });
  }

  // Shape is row-major, outermost first.
  void add(const std::string& name, kernels::StoredType type, std::vector<std::int64_t> shape,
           const std::vector<float>& values) {
    std::reverse(shape.begin(), shape.end());
    tensors.push_back(
        {name, {shape.begin(), shape.end()}, ggml_type_id(type), stored_bytes(type, values), {}});
  }
  GgufTensorEntry& tensor(const std::string& name) {
    return *std::find_if(tensors.begin(), tensors.end(),
                         [&](const auto& entry) { return entry.name == name; });
  }

  // All before the data, without the padding.
  std::string header() const {
    std::string bytes = magic + value_bytes(version);
    append_value(bytes, tensor_count.value_or(tensors.size()));
    append_value(bytes, metadata_count.value_or(metadata.size()));
    for (const GgufEntry& entry : metadata)
      bytes += gguf_text(entry.key) + value_bytes(entry.type) + entry.value;
    std::uint64_t next = 0;
    for (const GgufTensorEntry& tensor : tensors) {
      bytes += gguf_text(tensor.name) + value_bytes(static_cast<std::uint32_t>(tensor.dimensions.size()));
      for (const std::uint64_t dimension : tensor.dimensions) append_value(bytes, dimension);
      append_value(bytes, tensor.type);
      append_value(bytes, tensor.offset.value_or(next));
      next += (tensor.data.size() + alignment - 1) / alignment * alignment;
    }
    return bytes;
  }

  std::string bytes() const {
    std::string bytes = header();
    for (const GgufTensorEntry& tensor : tensors) {
      pad_to(bytes, alignment);
      bytes += tensor.data;
    }
    return bytes;
  }
};

// A complete model with a SentencePiece tokenizer.
inline GgufWriter tiny_gguf(const TinyLlama& model = {}) {
  GgufWriter gguf;
  const auto whole = [](int value) { return static_cast<std::uint32_t>(value); };
  gguf.set("general.architecture", "llama");
  gguf.set("llama.context_length", whole(model.context));
  gguf.set("llama.embedding_length", whole(model.hidden));
  gguf.set("llama.block_count", whole(model.layers));
  gguf.set("llama.feed_forward_length", whole(model.feed_forward));
  gguf.set("llama.attention.head_count", whole(model.heads));
  gguf.set("llama.attention.head_count_kv", whole(model.kv_heads));
  gguf.set("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  if (model.given_head_size > 0) {
    gguf.set("llama.attention.key_length", whole(model.given_head_size));
    gguf.set("llama.attention.value_length", whole(model.given_head_size));
  }
  gguf.set("llama.rope.dimension_count", whole(model.head_size()));
  gguf.set("llama.rope.freq_base", model.rope_base);
  if (model.rope_scaling == TinyRopeScaling::linear) {
    gguf.set("llama.rope.scaling.type", "linear");
    gguf.set("llama.rope.scaling.factor", static_cast<float>(kTinyLinearFactor));
  }
  std::vector<std::string> texts;
  std::vector<float> scores;
  std::vector<std::int32_t> types;
  for (const TinyPiece& piece : tiny_pieces()) {
    texts.push_back(piece.text);
    scores.push_back(piece.score);
    types.push_back(piece.type);
  }
  gguf.set("tokenizer.ggml.model", "llama");
  gguf.set_array("tokenizer.ggml.tokens", texts);
  gguf.set_array("tokenizer.ggml.scores", scores);
  gguf.set_array("tokenizer.ggml.token_type", types);
  gguf.set("tokenizer.ggml.bos_token_id", whole(kTinyBos));
  gguf.set("tokenizer.ggml.eos_token_id", whole(kTinyEos));
  gguf.set("tokenizer.ggml.unknown_token_id", whole(kTinyUnknown));
  gguf.set("tokenizer.ggml.add_bos_token", true);
  for (const TinyTensor& tensor : tiny_tensors(model, static_cast<std::int64_t>(texts.size())))
    gguf.add(tensor.gguf_name, tensor.is_matrix() ? model.matrices : kernels::StoredType::f32, tensor.shape,
             tensor.values);
  if (model.rope_scaling == TinyRopeScaling::llama3) {  // converters store what frequencies are divided by
    TinyLlama unscaled = model;
    unscaled.rope_scaling = TinyRopeScaling::none;
    const std::vector<double> plain = tiny_frequencies(unscaled);
    const std::vector<double> scaled = tiny_frequencies(model);
    std::vector<float> factors;
    for (std::size_t i = 0; i < plain.size(); ++i)
      factors.push_back(static_cast<float>(plain[i] / scaled[i]));
    gguf.add("rope_freqs.weight", kernels::StoredType::f32, {static_cast<std::int64_t>(factors.size())},
             factors);
  }
  return gguf;
}

// Such a model as model.gguf of a folder; returns its path.
inline std::string write_tiny_gguf(const TemporaryFolder& folder, const TinyLlama& model = {}) {
  return folder.write("model.gguf", tiny_gguf(model).bytes());
}

}  // namespace burin::tests
