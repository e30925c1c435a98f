// A reference model with other settings and tensors, written as a Hugging Face folder or a GGUF file: for what
// the reference data has no model of.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "tests/oracle/model_tensors.hpp"
#include "tests/support/gguf_names.hpp"
#include "tests/support/gguf_writer.hpp"
#include "tests/support/reference_data.hpp"
#include "tests/support/safetensors_writer.hpp"

namespace burin::tests {

struct ChangedTensor {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
  kernels::StoredType gguf_type = kernels::StoredType::f32;
};

// Settings and tensors may be changed before a write_* function puts them into files, as F32.
class ChangedModel {
 public:
  // "arch/cohere"
  explicit ChangedModel(const std::string& folder) : folder_(reference_path(folder)) {
    const auto file = runtime::ModelFile::open(folder_);
    config = file->description().config;
    for (const graph::TensorDescription& tensor : file->description().tensors) {
      const OracleTensor read = read_tensor(*file, tensor.name);
      tensors[tensor.name] = {read.shape, {read.values.begin(), read.values.end()}};
    }
  }

  nlohmann::json config;
  std::map<std::string, ChangedTensor> tensors;  // by Hugging Face's names

  // Random values, those of vectors around 1.
  void add_random(const std::string& name, const std::vector<std::int64_t>& shape, bool around_one) {
    std::size_t count = 1;
    for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
    std::vector<float> values = random_.values(count, around_one ? 0.5f : 0.05f);
    if (around_one)
      for (float& value : values) value += 1;
    tensors[name] = {shape, std::move(values)};
  }

  // Several tensors of one shape become one, [count, ...].
  void stack(const std::vector<std::string>& names, const std::string& stacked) {
    ChangedTensor made;
    for (const std::string& name : names) {
      const ChangedTensor part = std::move(tensors.at(name));
      tensors.erase(name);
      made.shape = part.shape;
      made.values.insert(made.values.end(), part.values.begin(), part.values.end());
    }
    made.shape.insert(made.shape.begin(), static_cast<std::int64_t>(names.size()));
    tensors[stacked] = std::move(made);
  }

  void write_folder(const TemporaryFolder& folder) const {
    SafetensorsWriter writer;
    for (const auto& [name, tensor] : tensors)
      writer.add_floats(name, kernels::StoredType::f32, tensor.shape, tensor.values);
    folder.write("model.safetensors", writer.bytes());
    folder.write("config.json", config.dump());
    for (const char* name : {"tokenizer.json", "tokenizer.model", "tokenizer_config.json"})
      if (std::filesystem::exists(folder_ / name)) folder.write(name, read_bytes(folder_ / name));
  }

  // `keys` without the architecture before them. The tokenizer is a made-up one.
  std::filesystem::path write_gguf(const TemporaryFolder& folder, const std::string& architecture,
                                   const nlohmann::json& keys, const TensorNamePairs& names) const {
    GgufWriter writer = tiny_gguf();
    writer.tensors.clear();
    std::erase_if(writer.metadata, [](const GgufEntry& entry) { return entry.key.starts_with("llama."); });
    writer.set("general.architecture", architecture);
    set_pieces(writer);
    for (const auto& [key, value] : keys.items()) set(writer, architecture + "." + key, value);
    for (const auto& [name, tensor] : tensors)
      writer.add(gguf_name(name, names), tensor.gguf_type, tensor.shape, tensor.values);
    return folder.write(architecture + ".gguf", writer.bytes());
  }

 private:
  static void set(GgufWriter& writer, const std::string& key, const nlohmann::json& value) {
    if (value.is_boolean())
      writer.set(key, value.get<bool>());
    else if (value.is_number_integer())
      writer.set(key, value.get<std::uint32_t>());
    else if (value.is_number())
      writer.set(key, value.get<float>());
    else
      writer.set(key, value.get<std::string>());
  }

  // As many as the model has.
  void set_pieces(GgufWriter& writer) const {
    std::vector<std::string> texts;
    std::vector<std::int32_t> types;
    for (const TinyPiece& piece : tiny_pieces()) {
      texts.push_back(piece.text);
      types.push_back(piece.type);
    }
    const auto wanted = config["vocab_size"].get<std::size_t>();
    for (std::size_t i = texts.size(); i < wanted; ++i) {
      texts.push_back(fmt::format("piece{}", i));
      types.push_back(1);
    }
    writer.set_array("tokenizer.ggml.tokens", texts);
    writer.set_array("tokenizer.ggml.scores", std::vector<float>(wanted, 0.0f));
    writer.set_array("tokenizer.ggml.token_type", types);
  }

  std::filesystem::path folder_;
  RandomValues random_{11};
};

}  // namespace burin::tests
