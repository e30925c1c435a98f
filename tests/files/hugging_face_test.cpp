// Hugging Face folders: spellings of config.json, whole and sharded weights, tied heads, missing files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/refusal.hpp"
#include "tests/support/safetensors_writer.hpp"
#include "tests/support/use_model.hpp"

namespace burin::tests {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using runtime::ModelFile;
using testing::ElementsAre;
using testing::IsEmpty;

class HuggingFace : public testing::Test {
 protected:
  void SetUp() override { write_tiny_folder(folder_); }

  graph::Plan plan() const { return plan_for_avx2(*ModelFile::open(folder_.path())); }
  graph::Plan plan_with(const json& changes) const {
    json config = tiny_config();
    config.merge_patch(changes);  // null takes a key away
    folder_.write("config.json", config.dump());
    return plan();
  }
  // Takes the single file away and writes shards instead.
  std::vector<SafetensorsWriter> write_shards(std::size_t count) const {
    fs::remove(folder_ / "model.safetensors");
    write_tiny_folder(folder_, {}, count);
    return tiny_shards({}, count);
  }
  std::string refusal() const {
    return refusal_of([&] { plan(); });
  }

  TemporaryFolder folder_;
};

std::vector<double> frequencies(double base, double divisor) {
  std::vector<double> all;
  for (int i = 0; i < 8; ++i) all.push_back(std::pow(base, -i / 8.0) / divisor);
  return all;
}

// --- RoPE

TEST_F(HuggingFace, RopeInOlderAndNewerSpelling) {
  const std::pair<json, std::vector<double>> cases[] = {
      {{{"rope_theta", nullptr}}, frequencies(10000, 1)},
      {{{"rope_theta", 500000}}, frequencies(500000, 1)},
      {{{"rope_theta", 100}, {"rope_scaling", {{"type", "linear"}, {"factor", 4}}}}, frequencies(100, 4)},
      {{{"rope_theta", 100}, {"rope_scaling", {{"rope_type", "linear"}, {"factor", 2.5}}}},
       frequencies(100, 2.5)},
      {{{"rope_theta", 100}, {"rope_scaling", {{"rope_type", "default"}}}}, frequencies(100, 1)},
      {{{"rope_theta", nullptr}, {"rope_parameters", {{"rope_theta", 300}}}}, frequencies(300, 1)},
      {{{"rope_theta", nullptr}, {"rope_parameters", {{"rope_theta", 300}, {"rope_type", "default"}}}},
       frequencies(300, 1)},
      {{{"rope_theta", nullptr},
        {"rope_parameters", {{"rope_theta", 300}, {"rope_type", "linear"}, {"factor", 8}}}},
       frequencies(300, 8)},
      {{{"rope_theta", 200}, {"rope_parameters", {{"rope_type", "default"}}}}, frequencies(200, 1)},
  };
  for (const auto& [changes, expected] : cases) {
    const graph::Plan plan = plan_with(changes);
    EXPECT_EQ(plan.ropes[0].rotary, 16) << changes;
    EXPECT_THAT(plan.ropes[0].inverse_frequencies, testing::Pointwise(testing::DoubleNear(1e-12), expected))
        << changes;
  }
}

TEST_F(HuggingFace, Llama3RopeIsTheSameInBothSpellings) {
  const json scaling = {{"rope_type", "llama3"},
                        {"factor", 8},
                        {"low_freq_factor", 1},
                        {"high_freq_factor", 4},
                        {"original_max_position_embeddings", 64}};
  json parameters = scaling;
  parameters["rope_theta"] = 1000;
  const graph::Plan older = plan_with({{"rope_theta", 1000}, {"rope_scaling", scaling}});
  const graph::Plan newer = plan_with({{"rope_theta", nullptr}, {"rope_parameters", parameters}});
  EXPECT_EQ(older.ropes, newer.ropes);
  EXPECT_EQ(older.ropes[0].inverse_frequencies.front(), 1);  // short waves stay
  EXPECT_DOUBLE_EQ(older.ropes[0].inverse_frequencies.back(),
                   std::pow(1000, -7 / 8.0) / 8);  // long ones are slowed
}

TEST_F(HuggingFace, RopeThatCannotBeIsRefusedByName) {
  const std::tuple<json, std::string, std::string> cases[] = {
      {{{"rope_scaling", {{"type", "spiral"}}}}, "rope_scaling.type", "spiral"},
      {{{"rope_scaling", {{"rope_type", "yarn"}}}}, "rope_scaling.factor", "missing"},
      {{{"rope_scaling", {{"rope_type", "longrope"}}}}, "rope_scaling.long_factor", "missing"},
      {{{"rope_scaling", {{"type", "linear"}}}}, "rope_scaling.factor", "missing"},
      {{{"rope_scaling", {{"type", "linear"}, {"factor", "2"}}}}, "rope_scaling.factor", "\"2\""},
      {{{"rope_scaling", {{"type", 3}}}}, "rope_scaling.type", "3"},
      {{{"rope_scaling", "linear"}}, "rope_scaling", "linear"},
      {{{"rope_parameters", {{"rope_theta", -5}}}}, "rope_parameters.rope_theta", "-5"},
      {{{"rope_parameters", {{"rope_type", "dynamic"}}}}, "rope_parameters.factor", "missing"},
      {{{"rope_theta", 0}}, "rope_theta", "0"},
      {{{"rope_scaling",
         {{"type", "llama3"},
          {"factor", 8},
          {"low_freq_factor", 4},
          {"high_freq_factor", 4},
          {"original_max_position_embeddings", 64}}}},
       "rope_scaling.high_freq_factor",
       "4"},
  };
  for (const auto& [changes, key, value] : cases)
    EXPECT_THAT(refusal_of([&, &change = changes] { plan_with(change); }),
                says(folder_.path(), {key + " is ", value}));
}

// --- weights

TEST_F(HuggingFace, SingleFileLoads) {
  EXPECT_THAT(use_model(folder_.path()), IsEmpty());
  const std::unique_ptr<ModelFile> model = ModelFile::open(folder_.path());
  EXPECT_EQ(model->description().origin, graph::Origin::hugging_face);
  EXPECT_EQ(model->description().architecture, "LlamaForCausalLM");
  EXPECT_EQ(model->folder(), folder_.path());
  EXPECT_EQ(model->gguf(), nullptr);
}

TEST_F(HuggingFace, ShardsHoldTheSameModel) {
  const std::unique_ptr<ModelFile> whole = ModelFile::open(folder_.path());
  write_shards(3);
  const std::unique_ptr<ModelFile> sharded = ModelFile::open(folder_.path());
  EXPECT_THAT(use_model(folder_.path()), IsEmpty());
  ASSERT_EQ(sharded->description().tensors.size(), whole->description().tensors.size());
  for (std::size_t i = 0; i < whole->description().tensors.size(); ++i) {
    const std::ptrdiff_t at = sharded->description().find(whole->description().tensors[i].name);
    ASSERT_GE(at, 0);
    const std::span<const std::byte> there = sharded->tensor_data(static_cast<std::size_t>(at));
    sharded->release_pages(static_cast<std::size_t>(at));
    EXPECT_TRUE(std::ranges::equal(there, whole->tensor_data(i)));
  }
}

TEST_F(HuggingFace, MissingShardIsNamed) {
  write_shards(3);
  fs::remove(folder_ / shard_name(1, 3));
  EXPECT_THAT(refusal(),
              says(folder_ / "model.safetensors.index.json", {"shard", shard_name(1, 3), "missing"}));
}

TEST_F(HuggingFace, IndexMustAgreeWithShards) {
  json index = tiny_index(write_shards(2));
  const fs::path path = folder_ / "model.safetensors.index.json";
  index["weight_map"]["extra.weight"] = shard_name(0, 2);
  folder_.write(path.filename().string(), index.dump());
  EXPECT_THAT(refusal(), says(path, {"tensor extra.weight", shard_name(0, 2), "weight_map"}));
  index["weight_map"].erase("extra.weight");
  index["weight_map"]["model.norm.weight"] =
      index["weight_map"]["model.norm.weight"] == shard_name(0, 2) ? shard_name(1, 2) : shard_name(0, 2);
  folder_.write(path.filename().string(), index.dump());
  EXPECT_THAT(refusal(), says(path, {"tensor model.norm.weight", "weight_map"}));
}

TEST_F(HuggingFace, TensorInTwoShardsIsRefused) {
  std::vector<SafetensorsWriter> shards = write_shards(2);
  const std::string twice = shards[0].header.begin().key();
  shards[1].add(twice, "U8", {1}, "x");
  folder_.write(shard_name(1, 2), shards[1].bytes());
  EXPECT_THAT(refusal(), says(folder_ / "model.safetensors.index.json", {"tensor " + twice, "two shards"}));
}

TEST_F(HuggingFace, ShardNamesStayInTheFolder) {
  json index = tiny_index(write_shards(2));
  const std::string names[] = {
      "../secret", "/etc/passwd",         "a/b", "a\\b", "", ".", "..", std::string("a\0b", 3),
      "a\nb",      std::string(5000, 'x')};
  for (const std::string& name : names) {
    index["weight_map"]["model.norm.weight"] = name;
    const fs::path path = folder_.write("model.safetensors.index.json", index.dump());
    EXPECT_THAT(refusal(),
                says(path, {"weight_map model.norm.weight is '", "must be a file in the same folder"}));
  }
}

// --- tied heads

TEST_F(HuggingFace, TiedHeadByConfiguration) {
  TinyLlama tied;
  tied.own_head = false;
  write_tiny_folder(folder_, tied);
  const std::unique_ptr<ModelFile> model = ModelFile::open(folder_.path());
  const graph::Plan plan = plan_for_avx2(*model);
  EXPECT_LT(model->description().find("lm_head.weight"), 0);
  EXPECT_EQ(plan.matrices[static_cast<std::size_t>(plan.head_one.back().matrix)].tensors,
            plan.matrices[static_cast<std::size_t>(plan.decode.front().matrix)].tensors);
}

// save_model stores one of the names and notes the other in the metadata.
TEST_F(HuggingFace, TiedHeadByMetadata) {
  SafetensorsWriter file = tiny_shards({}, 1)[0];
  json& header = file.header;
  // The embedding lies first; without it everything moves to the front.
  const std::size_t begin = header["model.embed_tokens.weight"]["data_offsets"][1];
  ASSERT_EQ(header["model.embed_tokens.weight"]["data_offsets"][0], 0);
  header.erase("model.embed_tokens.weight");
  for (json& tensor : header)
    for (json& offset : tensor["data_offsets"]) offset = offset.get<std::size_t>() - begin;
  file.data.erase(0, begin);
  folder_.write("model.safetensors", file.bytes());
  EXPECT_THAT(refusal(), says(folder_.path(), {"model.embed_tokens.weight", "missing"}));

  header["__metadata__"] = {{"format", "pt"}, {"model.embed_tokens.weight", "lm_head.weight"}};
  folder_.write("model.safetensors", file.bytes());
  EXPECT_THAT(use_model(folder_.path()), IsEmpty());
  const std::unique_ptr<ModelFile> model = ModelFile::open(folder_.path());
  const auto index = [&](const char* name) {
    return static_cast<std::size_t>(model->description().find(name));
  };
  const std::size_t embedding = index("model.embed_tokens.weight");
  EXPECT_EQ(model->tensor_data(embedding).data(), model->tensor_data(index("lm_head.weight")).data());
  EXPECT_THAT(model->description().tensors[embedding].shape, ElementsAre(kTinyJsonVocabulary, 32));
  model->release_pages(embedding);
}

// --- folders that are no models

TEST_F(HuggingFace, FoldersWithoutTheirFilesAreRefused) {
  fs::rename(folder_ / "model.safetensors", folder_ / "away");
  EXPECT_THAT(refusal(), says(folder_.path(), {"model.safetensors", "model.safetensors.index.json"}));
  folder_.write("pytorch_model.bin", "pickle");
  EXPECT_THAT(refusal(), says(folder_.path(), {"pytorch_model.bin", "convert to safetensors"}));
  fs::rename(folder_ / "away", folder_ / "model.safetensors");
  fs::remove(folder_ / "tokenizer.json");
  EXPECT_THAT(use_model(folder_.path()),
              ElementsAre(says(folder_.path(), {"no tokenizer", "tokenizer.json"})));
  fs::remove(folder_ / "config.json");
  EXPECT_THAT(refusal(), says(folder_.path(), {"config.json"}));
}

TEST_F(HuggingFace, UnknownQuantisationMethodsAreRefused) {
  EXPECT_THAT(refusal_of([&] {
                plan_with({{"quantization_config", {{"quant_method", "aqlm"}}}});
              }),
              says(folder_.path(), {"quantization_config.quant_method", "aqlm", "gptq", "awq"}));
}

}  // namespace
}  // namespace burin::tests
