// Quantised checkpoints of layouts that tools were not asked for, made up: they must compute what the same model with
// the dequantised weights does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "graph/plan.hpp"
#include "runtime/files/model_file.hpp"
#include "tests/support/host_targets.hpp"
#include "tests/support/load_model.hpp"
#include "tests/support/quantised_layers.hpp"
#include "tests/support/reference_data.hpp"

namespace burin::tests {
namespace {

using graph::ComputeType;
using kernels::StoredType;
using nlohmann::json;
using runtime::TokenId;

double largest_of(const std::vector<float>& values) {
  double largest = 0;
  for (const float value : values) largest = std::max(largest, std::fabs(static_cast<double>(value)));
  return largest;
}

void expect_close(const std::vector<float>& values, const std::vector<float>& expected, double tolerance) {
  ASSERT_EQ(values.size(), expected.size());
  const double largest = largest_of(expected);
  for (std::size_t i = 0; i < values.size(); ++i)
    ASSERT_NEAR(values[i], expected[i], tolerance * largest) << "logit " << i;
}

double relative_error(const std::vector<float>& values, const std::vector<float>& expected) {
  double error = 0;
  double size = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    error += std::pow(static_cast<double>(values.at(i)) - static_cast<double>(expected[i]), 2);
    size += std::pow(static_cast<double>(expected[i]), 2);
  }
  return std::sqrt(error / size);
}

std::vector<TokenId> some_tokens() {
  std::vector<TokenId> tokens;
  for (TokenId i = 0; i < 24; ++i) tokens.push_back(3 + i * 37 % 250);
  return tokens;
}

// --- act-order

// A LLaMA in GPTQ's layout, and the same with plain weights.
class ActOrder : public testing::Test {
 protected:
  static constexpr std::int64_t kGroup = 32;

  // Of a layer that has this input; which names it may go by its own.
  using OrderSeed = std::function<std::uint64_t(const std::string& layer)>;

  void write(const OrderSeed& order_of) {
    const TinyLlama model = {
        .hidden = 64, .feed_forward = 160, .layers = 2, .heads = 4, .kv_heads = 2, .biases = true};
    SafetensorsWriter plain;
    SafetensorsWriter quantised;
    std::uint64_t seed = 1;
    for (const TinyTensor& tensor : tiny_tensors(model, kTinyJsonVocabulary)) {
      const std::string& name = tensor.hugging_face_name;
      if (!tensor.is_matrix() || name.find("proj") == std::string::npos) {
        plain.add_floats(name, StoredType::f32, tensor.shape, tensor.values);
        quantised.add_floats(name, StoredType::f32, tensor.shape, tensor.values);
        continue;
      }
      const std::string layer_name = name.substr(0, name.size() - std::string(".weight").size());
      IntegerLayer layer = random_layer(4, tensor.shape[0], tensor.shape[1], kGroup, seed++);
      if (const std::uint64_t order = order_of(layer_name); order > 0) layer.shuffle_groups(order);
      plain.add_floats(name, StoredType::f32, tensor.shape, layer.weights());
      write_gptq(quantised, layer_name, layer, GptqZeros::minus_one);
    }
    json config = tiny_config(model);
    finish(plain_, config, plain);
    config["quantization_config"] = {
        {"quant_method", "gptq"}, {"bits", 4}, {"group_size", kGroup}, {"desc_act", true}};
    finish(quantised_, config, quantised);
  }

  static void finish(const TemporaryFolder& folder, const json& config, const SafetensorsWriter& file) {
    folder.write("config.json", config.dump());
    folder.write("tokenizer.json", tiny_tokenizer_json().dump());
    folder.write("model.safetensors", file.bytes());
  }

  static std::vector<float> logits(const TemporaryFolder& folder, const ModelSettings& settings) {
    return all_logits(load_model(folder.path().string(), settings), some_tokens());
  }

  void expect_same_model() {
    for (const jit::Target& target : host_targets()) {
      const std::vector<float> expected = logits(plain_, {.target = target.name});
      expect_close(logits(quantised_, {.target = target.name}), expected, 1e-5);
      expect_close(logits(quantised_, {.target = target.name, .threads = 3, .chunk = 1}), expected, 1e-5);
      const ModelSettings int8 = {.compute = ComputeType::int8, .target = target.name};
      EXPECT_LT(relative_error(logits(quantised_, int8), expected), 0.05);  // a wrong order: 1
    }
  }

  // What the pass over gate and up of the first layer says.
  std::string gate_reason() const {
    const auto model = load_model(quantised_.path().string());
    for (const graph::TraceLine& entry : model->plan().trace)
      if (entry.pass == "gate_product") return entry.reason;
    return "no such pass";
  }

  TemporaryFolder plain_;
  TemporaryFolder quantised_;
};

TEST_F(ActOrder, OneOrderForMatricesOfOneInput) {
  write([](const std::string& layer) -> std::uint64_t {
    if (layer.find("o_proj") != std::string::npos) return 2;
    return layer.find("down_proj") != std::string::npos ? 3 : 1;
  });
  EXPECT_EQ(gate_reason(), "");
  EXPECT_EQ(load_model(quantised_.path().string())->plan().orders.size(), 3u);
  expect_same_model();
}

// Blocks of gate and up are computed together, from one row.
TEST_F(ActOrder, GateAndUpOfDifferentOrdersAreNotMerged) {
  write([](const std::string& layer) -> std::uint64_t {
    return layer.find("up_proj") != std::string::npos ? 5 : 4;
  });
  EXPECT_EQ(gate_reason(), "gate and up take their inputs in different orders");
  expect_same_model();
}

// Q, K and V are runs of blocks: each run has its own order.
TEST_F(ActOrder, EveryMatrixOfAnother) {
  std::uint64_t seed = 10;
  write([&](const std::string&) { return ++seed; });
  expect_same_model();
}

TEST_F(ActOrder, SomeMatricesOnly) {
  write([](const std::string& layer) -> std::uint64_t {
    return layer.find("k_proj") != std::string::npos || layer.find("o_proj") != std::string::npos ? 7 : 0;
  });
  expect_same_model();
}

// --- MXFP4

// Experts of gpt-oss rounded to MXFP4, in both spellings: as blocks and scales, and as floats.
class Mxfp4Experts : public testing::Test {
 protected:
  void SetUp() override {
    BURIN_NEEDS_REFERENCE("arch/gpt-oss");
    const std::string source = reference_path("arch/gpt-oss");
    const std::unique_ptr<runtime::ModelFile> file = runtime::ModelFile::open(source);
    for (std::size_t i = 0; i < file->description().tensors.size(); ++i) add(*file, i);
    json config = file->description().config;
    finish(plain_, config, plain_file_, source);
    config["quantization_config"] = {{"quant_method", "mxfp4"}};
    finish(quantised_, config, quantised_file_, source);
  }

  void add(const runtime::ModelFile& file, std::size_t index) {
    const graph::TensorDescription& tensor = file.description().tensors[index];
    const std::span<const std::byte> data = file.tensor_data(index);
    if (tensor.shape.size() == 3) return add_experts(tensor, data);
    const std::string bytes(reinterpret_cast<const char*>(data.data()), data.size());
    plain_file_.add(tensor.name, tensor.type_name, tensor.shape, bytes);
    quantised_file_.add(tensor.name, tensor.type_name, tensor.shape, bytes);
  }

  // Stored [experts, inputs, outputs].
  void add_experts(const graph::TensorDescription& tensor, std::span<const std::byte> data) {
    const std::int64_t experts = tensor.shape[0], inputs = tensor.shape[1], outputs = tensor.shape[2];
    std::vector<float> values(static_cast<std::size_t>(experts * inputs * outputs));
    kernels::stored_row_to_f32(*tensor.type, data.data(), experts * inputs * outputs, values.data());
    std::string blocks;
    std::string scales;
    const auto format =
        kernels::WeightFormat::table_format(kernels::TableName::e2m1, 32, kernels::ScaleType::e8m0);
    for (std::int64_t row = 0; row < experts * outputs; ++row)
      for (std::int64_t first = 0; first < inputs; first += 32) {
        const auto at = [&](std::int64_t i) -> float& {
          return values[static_cast<std::size_t>((row / outputs * inputs + first + i) * outputs +
                                                 row % outputs)];
        };
        float block[32];
        std::uint8_t codes[32];
        for (std::int64_t i = 0; i < 32; ++i) block[i] = at(i);
        const kernels::QuantizedGroup group = kernels::quantize_group(format, block, codes);
        scales += static_cast<char>(group.scale);
        for (int i = 0; i < 32; i += 2) blocks += static_cast<char>(codes[i] | codes[i + 1] << 4);
        for (std::int64_t i = 0; i < 32; ++i)
          at(i) = std::ldexp(format.code_value(codes[i]), static_cast<int>(group.scale) - 127);
      }
    plain_file_.add_floats(tensor.name, StoredType::f32, tensor.shape, values);
    quantised_file_.add(tensor.name + "_blocks", "U8", {experts, outputs, inputs / 32, 16}, blocks);
    quantised_file_.add(tensor.name + "_scales", "U8", {experts, outputs, inputs / 32}, scales);
  }

  static void finish(const TemporaryFolder& folder, const json& config, const SafetensorsWriter& file,
                     const std::string& source) {
    folder.write("config.json", config.dump());
    folder.write("tokenizer.json", read_bytes(source + "/tokenizer.json"));
    folder.write("model.safetensors", file.bytes());
  }

  TemporaryFolder plain_;
  TemporaryFolder quantised_;
  SafetensorsWriter plain_file_;
  SafetensorsWriter quantised_file_;
};

TEST_F(Mxfp4Experts, ComputeWhatTheirValuesDo) {
  for (const jit::Target& target : host_targets()) {
    const auto quantised = load_model(quantised_.path().string(), {.target = target.name});
    const auto codes = [](const graph::PackedMatrix& matrix) {
      return to_text(matrix.format) == "e2m1.g32.e8m0";
    };
    EXPECT_TRUE(std::any_of(quantised->plan().matrices.begin(), quantised->plan().matrices.end(), codes));
    const auto plain = load_model(plain_.path().string(), {.target = target.name});
    const std::vector<TokenId> tokens = some_tokens();
    expect_close(all_logits(quantised, tokens), all_logits(plain, tokens), 1e-5);
  }
}

}  // namespace
}  // namespace burin::tests
