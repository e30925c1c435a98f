// A quantised Hugging Face checkpoint as its files have it: settings, and raw tensors by name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/config_reader.hpp"
#include "graph/model_description.hpp"
#include "templates/formats/coded_matrix.hpp"

namespace burin::runtime::quantised {

struct StoredTensor {
  // A copy: the model's own list changes while layers are read, and matrices are read later still.
  std::shared_ptr<const graph::TensorDescription> description;
  std::span<const std::byte> data;

  const std::vector<std::int64_t>& shape() const { return description->shape; }
  const std::string& type() const { return description->type_name; }
};

// What stands for the tensors of one layer, or of the same layer of all experts.
struct QuantisedMatrix {
  std::string name;                 // of the plain tensor: "model.layers.0.mlp.up_proj.weight"
  std::vector<std::int64_t> shape;  // [outputs, inputs], or [slices, outputs, inputs]
  std::vector<std::unique_ptr<kernels::CodedMatrix>> slices;  // one where there are no slices; equal formats
  std::vector<std::int32_t> order;  // input i is value order[i] of the row that is multiplied; empty: value i
  std::string codes;                // the tensor that holds most of its bytes
  std::vector<std::string> others;  // what else it was made of
  std::string type_name = {};       // for messages; empty: the type of `codes`, or the format
};

// Refers to description and data, which must outlive it. Whatever it refuses, it names: file, tensor, value.
class Checkpoint {
 public:
  Checkpoint(const graph::ModelDescription& description, const std::vector<std::span<const std::byte>>& data)
      : description_(description),
        data_(data),
        config_(*graph::ConfigReader(description).object("quantization_config")) {}

  // quantization_config, as settings and as it stands there.
  const graph::ConfigReader& config() const { return config_; }
  const nlohmann::json& json() const { return description_.config["quantization_config"]; }
  const graph::ModelDescription& description() const { return description_; }

  // What comes before `suffix` in the names of the tensors that end with it.
  std::vector<std::string> layers_with(std::string_view suffix) const;
  bool has(const std::string& tensor) const { return description_.find(tensor) >= 0; }
  // Throws where the tensor is missing or of another type than these.
  StoredTensor require(const std::string& tensor, std::initializer_list<std::string_view> types) const;
  // Likewise where its shape is another one.
  StoredTensor require(const std::string& tensor, std::initializer_list<std::string_view> types,
                       const std::vector<std::int64_t>& shape) const;
  StoredTensor require_matrix(const std::string& tensor, std::initializer_list<std::string_view> types) const;
  [[noreturn]] void refuse(const std::string& tensor, std::string_view why) const;

 private:
  const graph::ModelDescription& description_;
  const std::vector<std::span<const std::byte>>& data_;  // per tensor
  graph::ConfigReader config_;
};

}  // namespace burin::runtime::quantised
