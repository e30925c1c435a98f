// A Hugging Face folder with one quantised layer, and what packing makes of it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/files/model_file.hpp"
#include "tests/support/quantised_layers.hpp"
#include "tests/support/refusal.hpp"

namespace burin::tests {

inline const std::string kLayer = "model.layers.0.mlp.up_proj";

class Quantised : public testing::Test {
 protected:
  std::unique_ptr<runtime::ModelFile> open(const nlohmann::json& settings) {
    folder_.write(
        "config.json",
        nlohmann::json({{"architectures", {"LlamaForCausalLM"}}, {"quantization_config", settings}}).dump());
    folder_.write("model.safetensors", file_.bytes());
    return runtime::ModelFile::open(folder_.path());
  }
  std::string refusal(const nlohmann::json& settings) {
    return refusal_of([&] { use(*open(settings)); });
  }

  // Every weight, through the packed layout that kernels read; in the order of the file's inputs.
  static std::vector<float> packed_weights(const runtime::ModelFile& file, const std::string& name,
                                           std::int64_t slice = 0) {
    const graph::ModelDescription& model = file.description();
    const auto index = static_cast<std::size_t>(model.find(name));
    const graph::TensorDescription& tensor = model.tensors.at(index);
    const std::int64_t rows = tensor.shape.at(tensor.shape.size() - 2);
    const std::int64_t inputs = tensor.shape.back();
    const kernels::StoredMatrix stored = {nullptr, kernels::StoredType::f32, rows, inputs,
                                          &file.coded_matrix(index, slice)};
    const kernels::PackedShape shape = kernels::packed_shape(*tensor.coded, inputs, rows);
    std::vector<kernels::ColumnSource> columns(static_cast<std::size_t>(shape.columns));
    for (std::int64_t row = 0; row < rows; ++row)
      columns[static_cast<std::size_t>(row)] = {0, static_cast<std::int32_t>(row)};
    std::vector<std::byte> packed(shape.total_bytes);
    kernels::pack_blocks(*tensor.coded, inputs, {&stored, 1}, columns, 0, shape.columns / 32, packed.data());
    std::vector<float> weights(static_cast<std::size_t>(rows * inputs));
    for (std::int64_t row = 0; row < rows; ++row) {
      std::vector<float> read(static_cast<std::size_t>(inputs));
      kernels::stored_row_to_f32(stored, row, read.data());
      for (std::int64_t i = 0; i < inputs; ++i) {
        const float weight = kernels::packed_value(*tensor.coded, shape, packed.data(), i, row);
        EXPECT_EQ(read[static_cast<std::size_t>(i)], weight);
        const std::int64_t input =
            tensor.order < 0
                ? i
                : model.orders.at(static_cast<std::size_t>(tensor.order)).at(static_cast<std::size_t>(i));
        weights[static_cast<std::size_t>(row * inputs + input)] = weight;
      }
    }
    return weights;
  }
  static void use(const runtime::ModelFile& file) {
    for (const graph::TensorDescription& tensor : file.description().tensors)
      if (tensor.coded) packed_weights(file, tensor.name);
  }

  void expect_weights(const nlohmann::json& settings, const IntegerLayer& layer, const char* format) {
    const std::unique_ptr<runtime::ModelFile> file = open(settings);
    const std::ptrdiff_t index = file->description().find(kLayer + ".weight");
    ASSERT_GE(index, 0);
    EXPECT_EQ(to_text(*file->description().tensors[static_cast<std::size_t>(index)].coded), format);
    EXPECT_EQ(file->description().tensors.size(), 1u);
    EXPECT_EQ(packed_weights(*file, kLayer + ".weight"), layer.weights());
  }

  TemporaryFolder folder_;
  SafetensorsWriter file_;
};

inline nlohmann::json compressed(const char* format, nlohmann::json weights) {
  return {{"quant_method", "compressed-tensors"},
          {"format", format},
          {"config_groups", {{"group_0", {{"targets", {"Linear"}}, {"weights", std::move(weights)}}}}}};
}
inline nlohmann::json integer_weights(int bits, bool symmetric, std::int64_t group) {
  if (group == 0)
    return {{"num_bits", bits}, {"type", "int"}, {"symmetric", symmetric}, {"strategy", "channel"}};
  return {{"num_bits", bits},
          {"type", "int"},
          {"symmetric", symmetric},
          {"strategy", "group"},
          {"group_size", group}};
}

}  // namespace burin::tests
