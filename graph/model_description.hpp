// What a model file says about itself, in one form for GGUF files, Hugging Face folders and llama2.c files.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "templates/formats/packing.hpp"

namespace burin::graph {

// Whose spelling of configuration keys and tensor names the description uses.
enum class Origin : std::uint8_t { gguf, hugging_face };

struct TensorDescription {
  std::string name;
  // As the file spells it ("Q4_K", "BF16", "I32"); `type` is empty where Burin cannot pack it.
  std::string type_name;
  std::optional<kernels::StoredType> type;
  // Row-major, outermost first: a linear layer's weight is [outputs, inputs].
  std::vector<std::int64_t> shape;
  std::uint64_t bytes = 0;
  // Set instead of `type` where the file keeps codes, scales and zero points of a matrix apart
  // (runtime/files/quantised/): the format that holds it without loss.
  std::optional<kernels::WeightFormat> coded = {};
  // Where inputs were sorted by group: an index into ModelDescription::orders. -1: they were not.
  int order = -1;

  bool can_be_packed() const { return type.has_value() || coded.has_value(); }
  // Only where it can be packed.
  kernels::WeightFormat natural_format() const { return coded ? *coded : kernels::natural_format(*type); }
};

struct ModelDescription {
  std::string path;  // as given by the user, for messages
  Origin origin = Origin::gguf;
  std::string architecture;  // general.architecture, or the first of config.json's "architectures"
  // Hugging Face: config.json. GGUF: every scalar metadata value and every array of at most 1024 numbers,
  // flat, under its full key ("llama.embedding_length"); tokenizer.* arrays are left out.
  nlohmann::json config;
  std::vector<TensorDescription> tensors;
  // Input i of a matrix so ordered is value orders[...][i] of the row that it multiplies. All differ.
  std::vector<std::vector<std::int32_t>> orders;

  // Index into tensors, or -1. Logarithmic or better.
  std::ptrdiff_t find(std::string_view name) const;
  // Must be called when `tensors` is complete; find() answers from this index.
  void index_tensors();
  // Adds one that find() knows at once.
  void add_tensor(TensorDescription tensor);

  // Asked for tensors that an architecture requires and that are missing, before they are refused: a model that is
  // made up from its configuration adds them then (runtime/synthetic/published.cpp).
  std::function<void(std::string_view name, const std::vector<std::int64_t>& shape)> missing = {};

 private:
  std::vector<std::uint32_t> by_name_;
};

}  // namespace burin::graph
