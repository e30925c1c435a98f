// Quantised checkpoints whose tensors or settings cannot be right: refused by name, and never read past their end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/files/model_file.hpp"
#include "tests/support/mutations.hpp"
#include "tests/support/quantised_layers.hpp"
#include "tests/support/refusal.hpp"

namespace burin::tests {
namespace {

using kernels::StoredType;
using nlohmann::json;
using runtime::ModelFile;

const std::string kLayer = "model.layers.0.self_attn.q_proj";

class HostileQuantised : public testing::Test {
 protected:
  HostileQuantised() {
    layer_.shuffle_groups(2);
    write_gptq(file_, kLayer, layer_, GptqZeros::minus_one);
  }

  // Opens the model and reads every weight.
  void use(const json& settings) { use_bytes(file_.bytes(), settings); }
  void use_bytes(const std::string& bytes, const json& settings) {
    folder_.write("config.json",
                  json({{"architectures", {"LlamaForCausalLM"}}, {"quantization_config", settings}}).dump());
    folder_.write("model.safetensors", bytes);
    const std::unique_ptr<ModelFile> file = ModelFile::open(folder_.path());
    for (std::size_t i = 0; i < file->description().tensors.size(); ++i) {
      const graph::TensorDescription& tensor = file->description().tensors[i];
      if (!tensor.coded) continue;
      const kernels::StoredMatrix stored = {nullptr, StoredType::f32, tensor.shape[0], tensor.shape[1],
                                            &file->coded_matrix(i, 0)};
      std::vector<float> row(static_cast<std::size_t>(tensor.shape[1]));
      for (std::int64_t j = 0; j < tensor.shape[0]; ++j) kernels::stored_row_to_f32(stored, j, row.data());
    }
  }
  std::string refusal(const json& settings) {
    return refusal_of([&] { use(settings); });
  }
  testing::Matcher<std::string> says_of(const std::vector<std::string>& parts) {
    return says(folder_.path(), parts);
  }

  void replace(const std::string& name, const char* dtype, const std::vector<std::int64_t>& shape,
               const std::string& bytes) {
    SafetensorsWriter changed;
    for (const auto& [tensor, entry] : file_.header.items())
      if (tensor != name) {
        const auto begin = entry["data_offsets"][0].get<std::size_t>();
        changed.add(tensor, entry["dtype"], entry["shape"],
                    file_.data.substr(begin, entry["data_offsets"][1].get<std::size_t>() - begin));
      }
    if (dtype != nullptr) changed.add(name, dtype, shape, bytes);
    file_ = std::move(changed);
  }
  void remove(const std::string& name) { replace(name, nullptr, {}, ""); }

  IntegerLayer layer_ = random_layer(4, 32, 128, 32, 1);
  TemporaryFolder folder_;
  SafetensorsWriter file_;
  json good_ = {{"quant_method", "gptq"}, {"bits", 4}, {"group_size", 32}};
};

TEST_F(HostileQuantised, TheLayerItselfIsFine) { EXPECT_NO_THROW(use(good_)); }

TEST_F(HostileQuantised, Settings) {
  const auto with = [&](const char* key, const json& value) {
    json settings = good_;
    settings[key] = value;
    return refusal(settings);
  };
  EXPECT_THAT(with("bits", 5), says_of({"quantization_config.bits is 5", "2, 3, 4 and 8"}));
  EXPECT_THAT(with("bits", "4"), says_of({"quantization_config.bits"}));
  EXPECT_THAT(with("bits", 8), says_of({kLayer}));
  EXPECT_THAT(with("group_size", 0), says_of({kLayer, "group_size is 0"}));
  EXPECT_THAT(with("group_size", -7), says_of({"group_size is -7"}));
  EXPECT_THAT(with("group_size", 64), says_of({kLayer + ".qzeros", "[4, 4]", "[2, 4]"}));
  EXPECT_THAT(with("checkpoint_format", "marlin"), says_of({"checkpoint_format", "marlin", "gptq_v2"}));
  EXPECT_THAT(with("pack_dtype", "int16"), says_of({"pack_dtype", "int32"}));
  EXPECT_THAT(with("dynamic", "x"), says_of({"quantization_config.dynamic"}));
  EXPECT_THAT(with("quant_method", "aqlm"), says_of({"quant_method is \"aqlm\"", "gptq, awq"}));
  EXPECT_THAT(with("quant_method", nullptr), says_of({"quant_method is missing", "gptq, awq"}));
  EXPECT_THAT(refusal("gptq"), says_of({"quantization_config"}));
}

TEST_F(HostileQuantised, OddGroupsAreRefused) {
  file_ = {};
  write_gptq(file_, kLayer, random_layer(4, 32, 96, 24, 1), GptqZeros::minus_one);
  json settings = good_;
  settings["group_size"] = 24;
  EXPECT_THAT(refusal(settings), says_of({kLayer, "groups of 24", "multiple of 16"}));
}

TEST_F(HostileQuantised, MissingTensors) {
  const SafetensorsWriter good = file_;
  for (const char* suffix : {".scales", ".qzeros"}) {
    file_ = good;
    remove(kLayer + suffix);
    EXPECT_THAT(refusal(good_), says_of({"tensor " + kLayer + suffix + " is missing"}));
  }
  file_ = good;
  remove(kLayer + ".g_idx");
  EXPECT_NO_THROW(use(good_));
  json settings = good_;
  settings["desc_act"] = true;
  EXPECT_THAT(refusal(settings), says_of({kLayer + ".g_idx is missing"}));
  file_ = good;
  file_.add(kLayer + ".weight", "F32", {1}, "1234");
  EXPECT_THAT(refusal(good_), says_of({kLayer + ".weight", "beside", "either quantised or not"}));
}

TEST_F(HostileQuantised, ShapesAndTypes) {
  const SafetensorsWriter good = file_;
  const auto with = [&](const char* suffix, const char* dtype, const std::vector<std::int64_t>& shape,
                        std::size_t bytes) {
    file_ = good;
    replace(kLayer + suffix, dtype, shape, std::string(bytes, '\0'));
    return refusal(good_);
  };
  EXPECT_THAT(with(".qweight", "F32", {16, 32}, 2048), says_of({".qweight has type F32", "I32"}));
  EXPECT_THAT(with(".qweight", "I32", {512}, 2048), says_of({".qweight has shape [512]", "matrix"}));
  EXPECT_THAT(with(".qweight", "I32", {0, 32}, 0), says_of({".qweight has shape [0, 32]"}));
  EXPECT_THAT(with(".qweight", "I32", {16, 31}, 1984), says_of({".qweight has shape [16, 31]", "bits"}));
  EXPECT_THAT(with(".qweight", "I32", {15, 32}, 1920), says_of({"g_idx has shape [128]", "[120]"}));
  EXPECT_THAT(with(".qzeros", "I32", {4, 3}, 48), says_of({".qzeros has shape [4, 3]", "[4, 4]"}));
  EXPECT_THAT(with(".scales", "F16", {4, 31}, 248), says_of({".scales has shape [4, 31]", "[4, 32]"}));
  EXPECT_THAT(with(".scales", "I32", {4, 32}, 512), says_of({".scales has type I32", "F16"}));
  EXPECT_THAT(with(".g_idx", "I32", {127}, 508), says_of({".g_idx has shape [127]", "[128]"}));
  EXPECT_THAT(with(".g_idx", "I64", {128}, 1024), says_of({".g_idx has type I64"}));
}

TEST_F(HostileQuantised, GroupsOfInputs) {
  const auto with = [&](std::size_t input, std::int32_t group) {
    std::vector<std::int32_t> groups = layer_.g_idx;
    groups[input] = group;
    std::string bytes;
    for (const std::int32_t value : groups) append_value(bytes, value);
    replace(kLayer + ".g_idx", "I32", {128}, bytes);
    return refusal(good_);
  };
  EXPECT_THAT(with(7, 4), says_of({".g_idx has group 4 for input 7", "0 to 3"}));
  EXPECT_THAT(with(7, -1), says_of({".g_idx has group -1 for input 7"}));
  EXPECT_THAT(with(7, 0x7fffffff), says_of({".g_idx has group 2147483647"}));
  EXPECT_THAT(with(7, (layer_.g_idx[7] + 1) % 4), says_of({".g_idx has 3", "groups of 32"}));
}

TEST_F(HostileQuantised, ScalesThatAreNoNumbers) {
  for (const float scale : {INFINITY, NAN}) {
    layer_.scales[5] = scale;
    file_ = {};
    write_gptq(file_, kLayer, layer_, GptqZeros::minus_one, StoredType::f32);
    EXPECT_THAT(refusal(good_),
                testing::AllOf(testing::HasSubstr(kLayer), testing::HasSubstr("must be finite")));
  }
}

TEST_F(HostileQuantised, AwqTensors) {
  file_ = {};
  write_awq(file_, kLayer, layer_);
  const json settings = {{"quant_method", "awq"}, {"bits", 4}, {"group_size", 32}};
  const SafetensorsWriter good = file_;
  remove(kLayer + ".qzeros");
  EXPECT_THAT(refusal(settings), says_of({".qzeros is missing"}));
  file_ = good;
  replace(kLayer + ".qzeros", "I32", {3, 4}, std::string(48, '\0'));
  EXPECT_THAT(refusal(settings), says_of({".qzeros has shape [3, 4]", "[4, 4]"}));
  file_ = good;
  replace(kLayer + ".scales", "F16", {4, 4}, std::string(32, '\0'));
  EXPECT_THAT(refusal(settings), says_of({".scales has shape [4, 4]", "[4, 32]"}));
}

TEST_F(HostileQuantised, CompressedTensors) {
  file_ = {};
  write_compressed(file_, kLayer, layer_, false);
  const json weights = {{"num_bits", 4}, {"symmetric", false}, {"strategy", "group"}, {"group_size", 32}};
  const auto settings = [&](const json& own) {
    return json{{"quant_method", "compressed-tensors"},
                {"format", "pack-quantized"},
                {"config_groups", {{"group_0", {{"targets", {"Linear"}}, {"weights", own}}}}}};
  };
  const SafetensorsWriter good = file_;
  const auto with = [&](const char* key, const json& value) {
    json changed = weights;
    changed[key] = value;
    return refusal(settings(changed));
  };
  EXPECT_THAT(with("num_bits", 9), says_of({"num_bits is 9", "2 to 8"}));
  EXPECT_THAT(with("num_bits", 3), says_of({".weight_packed has 16 words"}));
  EXPECT_THAT(with("strategy", "token"), says_of({"strategy", "token"}));
  EXPECT_THAT(with("type", "complex"), says_of({"type", "complex"}));
  EXPECT_THAT(with("group_size", 0), says_of({"group_size is 0"}));
  EXPECT_THAT(refusal({{"quant_method", "compressed-tensors"}}), says_of({"config_groups"}));
  replace(kLayer + ".weight_shape", "I64", {2},
          value_bytes(std::int64_t{32}) + value_bytes(std::int64_t{-1}));
  EXPECT_THAT(refusal(settings(weights)), says_of({".weight_shape is [32, -1]"}));
  file_ = good;
  replace(kLayer + ".weight_zero_point", "I32", {4, 3}, std::string(48, '\0'));
  EXPECT_THAT(refusal(settings(weights)), says_of({".weight_zero_point has shape [4, 3]", "[4, 4]"}));
}

TEST_F(HostileQuantised, Bitsandbytes) {
  const std::string weight = kLayer + ".weight";
  const json state = {{"quant_type", "nf4"}, {"blocksize", 64}, {"shape", {32, 64}}};
  const auto refusal_with = [&](const std::string& text, std::size_t bytes, float first_value) {
    file_ = {};
    file_.add(weight, "U8", {static_cast<std::int64_t>(bytes), 1}, std::string(bytes, '\0'));
    std::vector<float> map(kernels::value_table(kernels::TableName::nf4).values.begin(),
                           kernels::value_table(kernels::TableName::nf4).values.end());
    map[0] = first_value;
    file_.add_floats(weight + ".quant_map", StoredType::f32, {16}, map);
    file_.add_floats(weight + ".absmax", StoredType::f32, {31}, std::vector<float>(31, 1.0f));
    file_.add(weight + ".quant_state.bitsandbytes__nf4", "U8", {static_cast<std::int64_t>(text.size())},
              text);
    return refusal({{"quant_method", "bitsandbytes"}});
  };
  EXPECT_THAT(refusal_with("{", 1024, -1), says_of({"quant_state.bitsandbytes__nf4"}));
  EXPECT_THAT(refusal_with(R"({"blocksize": 64})", 1024, -1), says_of({"shape is missing"}));
  EXPECT_THAT(refusal_with(R"({"blocksize": 64, "shape": [1e9, 1e9]})", 1024, -1),
              says_of({"has shape [1024, 1]"}));
  EXPECT_THAT(refusal_with(state.dump(), 1023, -1), says_of({"[1023, 1]", "[1024, 1]"}));
  EXPECT_THAT(refusal_with(state.dump(), 1024, -1), says_of({".absmax has shape [31]", "[32]"}));
  EXPECT_THAT(refusal_with(state.dump(), 1024, NAN), says_of({".quant_map has nan for code 0"}));
  EXPECT_THAT(refusal_with(R"({"blocksize": 72, "shape": [32, 64]})", 1024, -1),
              says_of({".absmax has shape"}));
}

// Random damage to header, tensors and settings: used or refused in one line.
TEST_F(HostileQuantised, MutantsAreUsedOrRefused) {
  const auto use_mutants = [&](const json& settings, std::uint64_t seed) {
    const std::string good = file_.bytes();
    Mutator files(good, 8 + file_.header.dump().size(), FileKind::binary, seed);
    const std::string good_settings = settings.dump();
    Mutator texts(good_settings, good_settings.size(), FileKind::json, seed);
    int refused = 0;
    for (int i = 0; i < 300; ++i) {
      const json changed = i % 2 == 0 ? settings : json::parse(texts.next(), nullptr, false);
      try {
        use_bytes(i % 2 == 0 ? files.next() : good, changed.is_discarded() ? settings : changed);
      } catch (const Error& error) {
        EXPECT_TRUE(is_one_line(error.what())) << error.what();
        ++refused;
      }
    }
    EXPECT_GT(refused, 50);
  };
  use_mutants(good_, 1);
  file_ = {};
  write_awq(file_, kLayer, layer_);
  use_mutants({{"quant_method", "awq"}, {"bits", 4}, {"group_size", 32}}, 2);
  file_ = {};
  write_compressed(file_, kLayer, layer_, false, 0, true);
  const json weights = {{"num_bits", 4}, {"symmetric", false}, {"strategy", "group"}, {"group_size", 32}};
  use_mutants({{"quant_method", "compressed-tensors"},
               {"format", "pack-quantized"},
               {"config_groups", {{"group_0", {{"targets", {"re:.*q_proj"}}, {"weights", weights}}}}}},
              3);
}

}  // namespace
}  // namespace burin::tests
