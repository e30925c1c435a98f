// Hugging Face folders with damaged or made-up JSON: configuration, index, tokenizer; and odd things in place
// of files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/refusal.hpp"
#include "tests/support/safetensors_writer.hpp"
#include "tests/support/use_model.hpp"

namespace burin::tests {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using runtime::ModelFile;
using runtime::Tokenizer;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kIndex = "model.safetensors.index.json";
constexpr std::string_view kLfsPointer =
    "version https://git-lfs.github.com/spec/v1\noid "
    "sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d1"
    "7e2393\nsize 12345\n";

// Values that do not belong, whatever the key.
const std::vector<json>& odd_values() {
  static const std::vector<json> values = {nullptr,
                                           true,
                                           -1,
                                           0,
                                           1,
                                           std::uint64_t{1} << 63,
                                           1e308,
                                           -0.5,
                                           "",
                                           "two\nlines\033[0m",
                                           std::string("\0", 1),
                                           json::array(),
                                           json::object(),
                                           json::array({nullptr, 1, "x"}),
                                           json({{"content", 1}, {"type", "odd"}})};
  return values;
}

class HostileFolder : public testing::Test {
 protected:
  void SetUp() override {
    TinyLlama tied;
    tied.own_head = false;
    tied.matrices = kernels::StoredType::bf16;
    write_tiny_folder(folder_, tied);
  }
  std::string refusal() const {
    return refusal_of([&] { plan_for_avx2(*ModelFile::open(folder_.path())); });
  }
  std::string refusal(const char* file, std::string_view content) const {
    folder_.write(file, content);
    return refusal();
  }
  std::string tokenizer_refusal(const json& tokenizer) const {
    folder_.write("tokenizer.json", tokenizer.dump());
    return refusal_of([&] { use_tokenizer(*Tokenizer::load(*ModelFile::open(folder_.path()))); });
  }
  // Writes `good` with every value, at every depth, replaced by each of the odd ones. Short lists and objects
  // are walked through, long ones at their first entries.
  std::size_t replace_values(const char* file, const json& good) const {
    std::size_t refused = 0;
    const json flat = good.flatten();
    for (const auto& [pointer, ignored] : flat.items()) {
      for (json::json_pointer at(pointer); !at.empty(); at.pop_back()) {
        if (!seen_.insert(file + at.to_string()).second) break;
        if (seen_.size() > 200) return refused;
        for (const json& value : odd_values()) {
          json changed = good;
          changed[at] = value;
          folder_.write(file, changed.dump());
          const std::vector<std::string> refusals = use_model(folder_.path());
          EXPECT_THAT(refusals, Each(testing::ResultOf("one line", is_one_line, true))) << at << " " << value;
          EXPECT_THAT(refusals, Each(testing::StartsWith(folder_.path().string()))) << at << " " << value;
          if (!refusals.empty()) ++refused;
        }
      }
    }
    return refused;
  }

  TemporaryFolder folder_;
  mutable std::set<std::string> seen_;
};

// --- what stands in place of a file

TEST_F(HostileFolder, LfsPointersAreCalledThat) {
  for (const char* file : {"config.json", "model.safetensors"}) {
    SetUp();
    EXPECT_THAT(refusal(file, kLfsPointer), says(folder_ / file, {"Git LFS pointer", "git lfs pull"}));
  }
  SetUp();
  folder_.write("tokenizer.json", kLfsPointer);
  EXPECT_THAT(use_model(folder_.path()), ElementsAre(says(folder_ / "tokenizer.json", {"Git LFS pointer"})));
  fs::remove(folder_ / "tokenizer.json");
  folder_.write("tokenizer.model", kLfsPointer);
  EXPECT_THAT(use_model(folder_.path()), ElementsAre(says(folder_ / "tokenizer.model", {"Git LFS pointer"})));
  fs::remove(folder_ / "model.safetensors");
  EXPECT_THAT(refusal(kIndex, kLfsPointer), says(folder_ / kIndex, {"Git LFS pointer"}));
}

TEST_F(HostileFolder, EmptyFilesAreCalledThat) {
  for (const char* file : {"config.json", "model.safetensors"}) {
    SetUp();
    EXPECT_THAT(refusal(file, ""), says(folder_ / file, {"is empty"}));
  }
}

TEST_F(HostileFolder, WhatIsNoFileIsRefused) {
  for (const char* file : {"config.json", "model.safetensors", "tokenizer.json"}) {
    const fs::path path = folder_ / file;
    const auto expect_refusal = [&](const char* why) {
      EXPECT_THAT(use_model(folder_.path()), Contains(says(path, {why})));
      fs::remove(path);
    };
    SetUp();
    fs::remove(path);
    fs::create_directory(path);
    expect_refusal("no regular file");
    fs::create_symlink(path, path);
    expect_refusal("cannot be opened");
    ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
    expect_refusal("no regular file");
  }
}

TEST_F(HostileFolder, FilesOfAFolderPointToTheFolder) {
  const fs::path path = folder_ / "model.safetensors";
  EXPECT_THAT(refusal_of([&] { ModelFile::open(path); }),
              says(path, {"give its folder", folder_.path().string()}));
  EXPECT_THAT(refusal_of([&] { ModelFile::open(folder_ / "config.json"); }),
              says(folder_ / "config.json", {"folder"}));
}

// --- config.json

TEST_F(HostileFolder, ConfigThatIsNoJsonObjectIsRefused) {
  const fs::path path = folder_ / "config.json";
  EXPECT_THAT(refusal("config.json", "{\"a\": 1"), says(path, {"JSON is malformed", "line 1, column 8"}));
  EXPECT_THAT(refusal("config.json", "\xff\xfe{}"), says(path, {"JSON is not UTF-8"}));
  EXPECT_THAT(refusal("config.json", "[1]"), says(path, {"JSON is array"}));
  EXPECT_THAT(refusal("config.json", "{\"a\": 1, \"a\": 2}"), says(path, {"JSON key 'a' stands twice"}));
  EXPECT_THAT(refusal("config.json", "{}"), says(path, {"architectures is missing"}));
  EXPECT_THAT(refusal("config.json", std::string(100'000, '[')), says(path, {"nested deeper than 64"}));
  EXPECT_THAT(refusal("config.json", std::string((16u << 20) + 1, ' ')),
              says(path, {"16777217 bytes", "more than"}));
  json config = tiny_config();
  config["architectures"] = {"Two\nLines"};
  EXPECT_THAT(refusal("config.json", config.dump()),
              says(folder_.path(), {"architecture is 'Two\\x0aLines'"}));
}

TEST_F(HostileFolder, ConfigSettingsAreNamed) {
  for (const char* key : {"hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"}) {
    json config = tiny_config();
    config.erase(key);
    EXPECT_THAT(refusal("config.json", config.dump()),
                says(folder_.path(), {std::string(key) + " is missing"}));
    for (const json& value :
         {json(0), json(-1), json("8"), json(1.5), json(std::uint64_t{1} << 63), json(1ll << 40)}) {
      config[key] = value;
      EXPECT_THAT(refusal("config.json", config.dump()),
                  says(folder_.path(), {key + (" is " + value.dump())}));
    }
  }
}

TEST_F(HostileFolder, ConfigValuesOfEveryTypeArePlannedOrRefused) {
  json config = tiny_config();
  config["head_dim"] = 16;
  config["rope_scaling"] = {{"rope_type", "llama3"},
                            {"factor", 8},
                            {"low_freq_factor", 1},
                            {"high_freq_factor", 4},
                            {"original_max_position_embeddings", 64}};
  EXPECT_GT(replace_values("config.json", config), 50u);
}

// More heads than there are hidden values: tensors without rows fit them.
TEST_F(HostileFolder, HeadsWithoutWidthAreRefused) {
  json config = tiny_config();
  config["head_dim"] = 0;
  EXPECT_THAT(refusal("config.json", config.dump()), says(folder_.path(), {"head_dim is 0"}));
  SafetensorsWriter file;
  TinyLlama tied;
  tied.own_head = false;
  for (TinyTensor& tensor : tiny_tensors(tied, kTinyJsonVocabulary)) {
    const bool empty = tensor.hugging_face_name.find("self_attn") != std::string::npos;
    if (empty) tensor.shape[tensor.hugging_face_name.find("o_proj") != std::string::npos ? 1 : 0] = 0;
    file.add_floats(tensor.hugging_face_name, kernels::StoredType::f32, tensor.shape,
                    empty ? std::vector<float>() : tensor.values);
  }
  folder_.write("model.safetensors", file.bytes());
  config = tiny_config(tied);
  config["num_attention_heads"] = config["num_key_value_heads"] = 64;
  EXPECT_THAT(refusal("config.json", config.dump()), says(folder_.path(), {"head size is 0"}));
}

// --- the index

TEST_F(HostileFolder, IndexFieldsAreChecked) {
  fs::remove(folder_ / "model.safetensors");
  write_tiny_folder(folder_, {}, 2);
  const fs::path path = folder_ / kIndex;
  EXPECT_THAT(refusal(kIndex, "{}"), says(path, {"weight_map is missing"}));
  EXPECT_THAT(refusal(kIndex, R"({"weight_map": []})"), says(path, {"weight_map is missing or no object"}));
  EXPECT_THAT(refusal(kIndex, R"({"weight_map": {"a": 1}})"), says(path, {"weight_map a is number"}));
  EXPECT_THAT(refusal(kIndex, R"({"weight_map": {"a\nb": null}})"),
              says(path, {"weight_map a\\x0ab is null"}));
  EXPECT_THAT(refusal(kIndex, R"({"weight_map": {}})"), says(folder_.path(), {"tensor", "missing"}));
  EXPECT_THAT(refusal(kIndex, R"({"weight_map": {"a": "config.json"}})"),
              says(folder_ / "config.json", {"header length"}));
  folder_.write("shard", kLfsPointer);
  EXPECT_THAT(refusal(kIndex, R"({"weight_map": {"a": "shard"}})"),
              says(folder_ / "shard", {"Git LFS pointer"}));
  fs::create_directory(folder_ / "folder");
  EXPECT_THAT(refusal(kIndex, R"({"weight_map": {"a": "folder"}})"),
              says(folder_ / "folder", {"no regular file"}));
}

TEST_F(HostileFolder, IndexValuesOfEveryTypeAreReadOrRefused) {
  fs::remove(folder_ / "model.safetensors");
  write_tiny_folder(folder_, {}, 2);
  EXPECT_GT(replace_values(kIndex, tiny_index(tiny_shards({}, 2))), 50u);
}

// --- tokenizer.json

TEST_F(HostileFolder, TokenizerFieldsAreNamed) {
  const fs::path path = folder_ / "tokenizer.json";
  const auto with = [&](const char* pointer, const json& value) {
    json tokenizer = tiny_tokenizer_json();
    tokenizer[json::json_pointer(pointer)] = value;
    return tokenizer_refusal(tokenizer);
  };
  EXPECT_THAT(with("/model", nullptr), says(path, {"model is missing"}));
  EXPECT_THAT(with("/model/type", "Unigram\n"), says(path, {"model.type is 'Unigram\\x0a'"}));
  EXPECT_THAT(with("/model/vocab", json::array()), says(path, {"vocab is missing"}));
  EXPECT_THAT(with("/model/vocab/a", "x"), says(path, {"id of token 'a' is string"}));
  EXPECT_THAT(with("/model/vocab/a", -5), says(path, {"token ids go from -5"}));
  EXPECT_THAT(with("/model/vocab/a", 1 << 30), says(path, {"1073741824", "implausible"}));
  EXPECT_THAT(with("/model/vocab/a", std::uint64_t{1} << 63), says(path, {"token ids go from -"}));
  EXPECT_THAT(with("/model/vocab/b", 100), says(path, {"token id 100 stands twice", "'a' and 'b'"}));
  EXPECT_THAT(with("/model/merges", nullptr), says(path, {"model.merges"}));
  EXPECT_THAT(with("/model/merges", json::array()), says(path, {"no merges"}));
  EXPECT_THAT(with("/model/merges/3", "in"), says(path, {"merge 3 is 'in'"}));
  EXPECT_THAT(with("/model/merges/3", {"a", "b", "c"}), says(path, {"model.merges entry 3"}));
  EXPECT_THAT(with("/added_tokens/0/id", 1.5), says(path, {"added_tokens", "id"}));
  EXPECT_THAT(with("/added_tokens/0/id", -1), says(path, {"an added token's id is -1"}));
  EXPECT_THAT(with("/added_tokens/0/content", 7), says(path, {"content is number"}));
  EXPECT_THAT(with("/normalizer", {{"type", "Odd\n"}}), says(path, {"normalizer 'Odd\\x0a'"}));
  EXPECT_THAT(with("/pre_tokenizer/type", "Whitespace"), says(path, {"pre_tokenizer 'Whitespace'"}));
  EXPECT_THAT(with("/pre_tokenizer", {{"type", "Sequence"}}),
              says(path, {"pre_tokenizer.pretokenizers is missing"}));
  const json split = {{"type", "Split"}, {"pattern", {{"Regex", "(\n["}}}};
  EXPECT_THAT(with("/pre_tokenizer",
                   {{"type", "Sequence"},
                    {"pretokenizers", {split, {{"type", "ByteLevel"}, {"add_prefix_space", false}}}}}),
              says(path, {"pattern '(\\x0a['"}));
}

TEST_F(HostileFolder, TokenizerValuesOfEveryTypeAreReadOrRefused) {
  json tokenizer = tiny_tokenizer_json();
  tokenizer["normalizer"] = {{"type", "Sequence"}, {"normalizers", {{{"type", "NFC"}}}}};
  tokenizer["pre_tokenizer"] = {
      {"type", "Sequence"},
      {"pretokenizers",
       {{{"type", "Split"}, {"pattern", {{"Regex", "\\s+"}}}, {"behavior", "Isolated"}, {"invert", false}},
        {{"type", "Digits"}, {"individual_digits", true}},
        {{"type", "Punctuation"}, {"behavior", "Contiguous"}},
        {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}}}};
  for (const char* list : {"vocab", "merges"}) {  // few of each are enough
    json& entries = tokenizer["model"][list];
    while (entries.size() > 4) entries.erase(std::prev(entries.end()));
  }
  EXPECT_GT(replace_values("tokenizer.json", tokenizer), 100u);
}

// SentencePiece's kind of BPE, as converted: without merges there is nothing that says what merges first.
TEST_F(HostileFolder, ByteFallbackWithoutMergesIsRefused) {
  json tokenizer = tiny_tokenizer_json();
  tokenizer["model"]["byte_fallback"] = true;
  tokenizer["pre_tokenizer"] = nullptr;
  folder_.write("tokenizer.json", tokenizer.dump());
  EXPECT_THAT(use_model(folder_.path()), IsEmpty());
  for (const json& merges : {json::array(), json::array({"no such"})}) {
    tokenizer["model"]["merges"] = merges;
    EXPECT_THAT(tokenizer_refusal(tokenizer), says(folder_ / "tokenizer.json", {"merges"}));
  }
}

}  // namespace
}  // namespace burin::tests
