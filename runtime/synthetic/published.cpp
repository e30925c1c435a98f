#include "runtime/synthetic/published.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <string>

#include "graph/arch/architectures.hpp"
#include "runtime/synthetic/description.hpp"
#include "runtime/synthetic/published_models.hpp"

namespace burin::runtime {
namespace {

using kernels::StoredType;
using nlohmann::json;

constexpr int kMxfp4Block = 32;

// The setting that a config has under one of its spellings.
json& setting(json& config, std::initializer_list<const char*> spellings) {
  for (const char* key : spellings)
    if (config.contains(key)) return config[key];
  return config[*spellings.begin()];
}

// Collects the tensors that the architecture asks for.
class Describer {
 public:
  Describer(const PublishedModel& published, const ShapeName& name, StoredType matrices)
      : published_(published), matrices_(matrices) {
    model_.path = fmt::format("synthetic {}", published.name);
    model_.architecture = published.architecture;
    model_.origin = published.gguf() ? graph::Origin::gguf : graph::Origin::hugging_face;
    json config = json::parse(published.config);
    if (name.layers > 0)
      setting(config, {"num_hidden_layers", "n_layer", "num_layers", "block_count"}) = name.layers;
    json& vocabulary = setting(config, {"vocab_size", "padded_vocab_size"});
    if (name.vocabulary > 0) vocabulary = name.vocabulary;
    vocabulary_ = vocabulary.get<std::int64_t>();
    hidden_ = setting(config, {"hidden_size", "n_embd", "embedding_length"}).get<std::int64_t>();
    layers_ = setting(config, {"num_hidden_layers", "n_layer", "num_layers", "block_count"});
    for (const auto& [key, value] : config.items())
      model_.config[published.gguf() ? fmt::format("{}.{}", published.architecture, key) : key] = value;
  }

  graph::ModelDescription describe() {
    model_.index_tensors();
    const std::int64_t width = model_.config.value("word_embed_proj_dim", hidden_);
    add(fmt::format("{}.weight", published_.embedding), {vocabulary_, width});
    for (std::int64_t layer = 0; layer < layers_; ++layer) add_unasked(layer);
    model_.missing = [this](std::string_view name, const std::vector<std::int64_t>& shape) {
      add(std::string(name), shape);
    };
    graph::build_decoder(model_);
    model_.missing = nullptr;
    return std::move(model_);
  }

 private:
  // What architectures look for only.
  void add_unasked(std::int64_t layer) {
    if (!published_.second_norm.empty())
      add(fmt::format(fmt::runtime(published_.second_norm), layer) + ".weight", {hidden_});
    if (!published_.mxfp4_experts) return;
    const auto experts = model_.config["num_local_experts"].get<std::int64_t>();
    const auto inner = model_.config["intermediate_size"].get<std::int64_t>();
    const std::string prefix = fmt::format("model.layers.{}.mlp.experts.", layer);
    add_mxfp4(prefix + "gate_up_proj", {experts, 2 * inner, hidden_});
    add_mxfp4(prefix + "down_proj", {experts, hidden_, inner});
  }

  void add_mxfp4(const std::string& name, const std::vector<std::int64_t>& shape) {
    graph::TensorDescription tensor = synthetic_tensor(published_.name, name, StoredType::f16, shape);
    tensor.type.reset();
    tensor.coded =
        kernels::WeightFormat::table_format(kernels::TableName::e2m1, kMxfp4Block, kernels::ScaleType::e8m0);
    tensor.type_name = to_text(*tensor.coded);
    tensor.bytes = tensor.bytes * 17 / 64;  // of 2 * 32 bytes, 16 of codes and one of scale
    model_.add_tensor(std::move(tensor));
  }

  void add(const std::string& name, const std::vector<std::int64_t>& shape) {
    model_.add_tensor(synthetic_tensor(published_.name, name, type_of(name, shape), shape));
    if (const std::size_t end = name.rfind(".weight");
        end != std::string::npos && has_bias(name.substr(0, end)))
      model_.add_tensor(
          synthetic_tensor(published_.name, name.substr(0, end) + ".bias", StoredType::f32, {shape[0]}));
  }

  StoredType type_of(const std::string& name, const std::vector<std::int64_t>& shape) const {
    if (shape.size() == 1 || name.find("norm") != std::string::npos || name.ends_with("bias"))
      return StoredType::f32;
    if (shape[0] != vocabulary_) return matrices_;
    // Rows that are brought to one length are floats.
    return model_.config.contains("z_loss_weight") ? StoredType::f16 : StoredType::q8_0;
  }

  bool has_bias(std::string_view name) const {
    const std::string_view last = name.substr(name.rfind('.') + 1);  // all of it where there is no dot
    return std::find(published_.biases.begin(), published_.biases.end(), last) != published_.biases.end();
  }

  const PublishedModel& published_;
  StoredType matrices_;
  graph::ModelDescription model_;
  std::int64_t vocabulary_ = 0;
  std::int64_t hidden_ = 0;
  std::int64_t layers_ = 0;
};

}  // namespace

std::optional<graph::ModelDescription> published_description(const ShapeName& name, StoredType matrices) {
  for (const PublishedModel& published : published_models())
    if (published.name == name.name) return Describer(published, name, matrices).describe();
  return std::nullopt;
}

std::vector<std::string_view> published_names() {
  std::vector<std::string_view> names;
  for (const PublishedModel& published : published_models()) names.push_back(published.name);
  return names;
}

}  // namespace burin::runtime
