// Writes small safetensors files in memory, and tiny Hugging Face models of them, right or wrong as a test
// wants them. Format: https://github.com/huggingface/safetensors#format
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "runtime/tokenizer/byte_level_bpe_tokenizer.hpp"
#include "tests/support/byte_text.hpp"
#include "tests/support/stored_values.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/tiny_llama.hpp"

namespace burin::tests {

inline std::string safetensors_bytes(const std::string& header, const std::string& data) {
  return value_bytes(std::uint64_t{header.size()}) + header + data;
}

// Header and data may be changed before bytes() puts the file together.
struct SafetensorsWriter {
  nlohmann::json header = nlohmann::json::object();
  std::string data;

  void add(const std::string& name, const std::string& dtype, const std::vector<std::int64_t>& shape,
           const std::string& stored) {
    header[name] = {
        {"dtype", dtype}, {"shape", shape}, {"data_offsets", {data.size(), data.size() + stored.size()}}};
    data += stored;
  }
  void add_floats(const std::string& name, kernels::StoredType type, const std::vector<std::int64_t>& shape,
                  const std::vector<float>& values) {
    add(name, std::string(kernels::layout_of(type).name), shape, stored_bytes(type, values));
  }
  std::string bytes() const { return safetensors_bytes(header.dump(), data); }
};

// --- the other files of a folder

inline constexpr std::int64_t kTinyJsonVocabulary = kTinyFirstPiece + 28;  // one token per merge

inline nlohmann::json tiny_rope_scaling(TinyRopeScaling scaling) {
  switch (scaling) {
    case TinyRopeScaling::linear: return {{"type", "linear"}, {"factor", kTinyLinearFactor}};
    case TinyRopeScaling::llama3:
      return {{"rope_type", "llama3"},
              {"factor", kTinyLlama3Factor},
              {"low_freq_factor", kTinyLlama3Low},
              {"high_freq_factor", kTinyLlama3High},
              {"original_max_position_embeddings", kTinyLlama3Original}};
    default: return nullptr;
  }
}

inline nlohmann::json tiny_config(const TinyLlama& model = {}) {
  nlohmann::json config = {{"architectures", {"LlamaForCausalLM"}},
                           {"model_type", "llama"},
                           {"hidden_size", model.hidden},
                           {"intermediate_size", model.feed_forward},
                           {"num_hidden_layers", model.layers},
                           {"num_attention_heads", model.heads},
                           {"num_key_value_heads", model.kv_heads},
                           {"max_position_embeddings", model.context},
                           {"rms_norm_eps", 1e-5},
                           {"rope_theta", model.rope_base},
                           {"rope_scaling", tiny_rope_scaling(model.rope_scaling)},
                           {"hidden_act", "silu"},
                           {"tie_word_embeddings", !model.own_head},
                           {"vocab_size", kTinyJsonVocabulary},
                           {"bos_token_id", kTinyBos},
                           {"eos_token_id", kTinyEos}};
  if (model.given_head_size > 0) config["head_dim"] = model.given_head_size;
  return config;
}

// Byte-level BPE: markers, bytes in GPT-2's alphabet, merges.
inline nlohmann::json tiny_tokenizer_json() {
  const auto spelt = [](std::string text) {  // '_' is the space
    for (char& c : text) c = c == '_' ? ' ' : c;
    return runtime::bytes_to_text(text);
  };
  nlohmann::json vocab = {{"<unk>", kTinyUnknown}, {"<s>", kTinyBos}, {"</s>", kTinyEos}};
  for (int byte = 0; byte < 256; ++byte)
    vocab[runtime::bytes_to_text(std::string(1, static_cast<char>(byte)))] = kTinyFirstByte + byte;
  nlohmann::json merges = nlohmann::json::array();
  for (const auto& [left, right] : tiny_merges()) {
    vocab.emplace(spelt(left + right), vocab.size());
    merges.push_back(spelt(left) + " " + spelt(right));
  }
  nlohmann::json added = nlohmann::json::array();
  for (const auto& [text, id] : {std::pair("<unk>", kTinyUnknown), {"<s>", kTinyBos}, {"</s>", kTinyEos}})
    added.push_back({{"id", id}, {"content", text}, {"special", true}, {"lstrip", false}, {"rstrip", false}});
  return {
      {"version", "1.0"},
      {"added_tokens", added},
      {"normalizer", nullptr},
      {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}},
      {"post_processor",
       {{"type", "TemplateProcessing"},
        {"single", {{{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}}, {{"Sequence", {{"id", "A"}}}}}}}},
      {"decoder", {{"type", "ByteLevel"}}},
      {"model",
       {{"type", "BPE"},
        {"unk_token", nullptr},
        {"byte_fallback", false},
        {"vocab", vocab},
        {"merges", merges}}}};
}

// The tensors of a model, dealt out to `shards` files.
inline std::vector<SafetensorsWriter> tiny_shards(const TinyLlama& model, std::size_t shards) {
  std::vector<SafetensorsWriter> files(shards);
  std::size_t next = 0;
  for (const TinyTensor& tensor : tiny_tensors(model, kTinyJsonVocabulary))
    files[next++ % shards].add_floats(tensor.hugging_face_name, model.matrices, tensor.shape, tensor.values);
  return files;
}

inline std::string shard_name(std::size_t shard, std::size_t shards) {
  return fmt::format("model-{:05}-of-{:05}.safetensors", shard + 1, shards);
}

// model.safetensors.index.json
inline nlohmann::json tiny_index(const std::vector<SafetensorsWriter>& shards) {
  nlohmann::json map = nlohmann::json::object();
  for (std::size_t i = 0; i < shards.size(); ++i)
    for (const auto& [name, entry] : shards[i].header.items()) map[name] = shard_name(i, shards.size());
  return {{"metadata", {{"total_size", 1}}}, {"weight_map", map}};
}

// Writes a complete model folder; with one shard, as model.safetensors without an index.
inline void write_tiny_folder(const TemporaryFolder& folder, const TinyLlama& model = {},
                              std::size_t shards = 1) {
  folder.write("config.json", tiny_config(model).dump(2));
  folder.write("tokenizer.json", tiny_tokenizer_json().dump(1));
  const std::vector<SafetensorsWriter> files = tiny_shards(model, shards);
  if (shards == 1) {
    folder.write("model.safetensors", files[0].bytes());
    return;
  }
  for (std::size_t i = 0; i < shards; ++i) folder.write(shard_name(i, shards), files[i].bytes());
  folder.write("model.safetensors.index.json", tiny_index(files).dump(2));
}

}  // namespace burin::tests
