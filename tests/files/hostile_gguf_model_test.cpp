// GGUF files whose container is in order, but not what it says of the model and its tokenizer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/support/gguf_writer.hpp"
#include "tests/support/refusal.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/use_model.hpp"

namespace burin::tests {
namespace {

namespace fs = std::filesystem;
using runtime::ModelFile;
using runtime::Tokenizer;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;

// Small, large and odd values of every type; their keys are empty.
std::vector<GgufEntry> odd_values() {
  std::vector<GgufEntry> values;
  for (std::uint32_t type = 0; type < 8; ++type)
    for (const char byte : {'\0', '\1', '\x7f', '\xff'})
      values.push_back({"", type, std::string(type < 2 || type == 7 ? 1u : type < 4 ? 2u : 4u, byte)});
  for (std::uint32_t type = 10; type < 13; ++type)
    for (const char byte : {'\0', '\1', '\x7f', '\xff'}) values.push_back({"", type, std::string(8, byte)});
  for (const char* text : {"", "two\nlines", "\033[31mred", "llama"})
    values.push_back({"", 8, gguf_text(text)});
  values.push_back({"", 8, gguf_text(std::string("\0nul", 4))});
  values.push_back({"", 9, value_bytes(4u) + value_bytes(std::uint64_t{2}) + value_bytes(std::uint64_t{1})});
  values.push_back({"", 9, value_bytes(8u) + value_bytes(std::uint64_t{0})});
  return values;
}

class HostileGgufModel : public testing::Test {
 protected:
  std::string plan_refusal(const GgufWriter& gguf) const {
    const std::unique_ptr<ModelFile> model = ModelFile::open(folder_.write("m.gguf", gguf.bytes()));
    return refusal_of([&] { plan_for_avx2(*model); });
  }
  std::string tokenizer_refusal(const GgufWriter& gguf) const {
    const std::unique_ptr<ModelFile> model = ModelFile::open(folder_.write("m.gguf", gguf.bytes()));
    return refusal_of([&] { use_tokenizer(*Tokenizer::load(*model)); });
  }

  TemporaryFolder folder_;
  fs::path path_ = folder_ / "m.gguf";
};

// --- files

TEST_F(HostileGgufModel, ThingsThatAreNoModelsAreRefused) {
  const auto refusal = [&](const fs::path& path) { return refusal_of([&] { ModelFile::open(path); }); };
  EXPECT_THAT(refusal(folder_.write("m.gguf", "")), says(path_, {"is empty", "0 bytes"}));
  EXPECT_THAT(refusal(folder_.write("m.gguf", "GGU")), says(path_, {"no model file", "'GGU'"}));
  EXPECT_THAT(refusal(folder_.write("m.gguf", "\n\x01\xff rest")), says(path_, {"'\\x0a\\x01\\xff rest'"}));
  EXPECT_THAT(refusal(folder_.write("m.gguf", "GGUF")), says(path_, {"version", "cut off"}));
  EXPECT_THAT(
      refusal(folder_.write("m.gguf", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n")),
      says(path_, {"Git LFS pointer", "git lfs pull"}));
  for (const char* legacy : {"lmgg\1\0\0\0", "tjgg", "fmgg", "algg"})
    EXPECT_THAT(refusal(folder_.write("m.gguf", legacy)), says(path_, {"before GGUF"}));
  EXPECT_THAT(refusal(folder_ / "none.gguf"),
              says(folder_ / "none.gguf", {"cannot be opened", "No such file"}));
  EXPECT_THAT(refusal(folder_.path()), says(folder_.path(), {"config.json"}));
  fs::create_directory(folder_ / "folder.gguf");
  EXPECT_THAT(refusal(folder_ / "folder.gguf"), says(folder_ / "folder.gguf", {"config.json"}));
}

// --- configuration and tensors

TEST_F(HostileGgufModel, EverySettingOfEveryTypeIsPlannedOrRefused) {
  TinyLlama small;
  small.matrices = kernels::StoredType::q4_0;
  small.own_head = false;
  const GgufWriter good = tiny_gguf(small);
  const std::vector<GgufEntry> values = odd_values();
  std::size_t refused = 0;
  std::vector<std::string> keys = {
      "llama.attention.key_length", "llama.attention.value_length", "llama.expert_count",
      "llama.rope.scaling.type",    "llama.rope.scaling.factor",    "llama.rope.scale_linear",
      "tokenizer.ggml.pre",         "tokenizer.ggml.add_eos_token", "tokenizer.ggml.eot_token_id"};
  for (const GgufEntry& entry : good.metadata) keys.push_back(entry.key);
  for (const std::string& key : keys) {
    for (const GgufEntry& value : values) {
      GgufWriter gguf = good;
      gguf.set_stored(key, value.type, value.value);
      const std::vector<std::string> refusals = use_model(folder_.write("m.gguf", gguf.bytes()));
      EXPECT_THAT(refusals, Each(says(path_, {}))) << key << " of type " << value.type;
      if (!refusals.empty()) ++refused;
    }
  }
  EXPECT_GT(refused, values.size() * keys.size() / 2);
}

TEST_F(HostileGgufModel, RequiredSettingsAreNamed) {
  for (const char* key : {"llama.embedding_length", "llama.feed_forward_length", "llama.block_count",
                          "llama.attention.head_count", "llama.attention.layer_norm_rms_epsilon"}) {
    GgufWriter gguf = tiny_gguf();
    gguf.remove(key);
    EXPECT_THAT(plan_refusal(gguf), says(path_, {std::string(key) + " is missing"}));
    gguf.set(key, "eight");
    EXPECT_THAT(plan_refusal(gguf), says(path_, {std::string(key) + " is \"eight\""}));
    gguf.set(key, std::uint64_t{1} << 63);
    EXPECT_THAT(plan_refusal(gguf),
                says(path_, {std::string(key) + " is \"a number of more than 63 bits\""}));
    gguf.set(key, std::int64_t{-7});
    EXPECT_THAT(plan_refusal(gguf), says(path_, {std::string(key) + " is -7"}));
  }
}

TEST_F(HostileGgufModel, ArchitectureIsQuotedOnOneLine) {
  GgufWriter gguf = tiny_gguf();
  gguf.remove("general.architecture");
  EXPECT_THAT(plan_refusal(gguf), says(path_, {"architecture"}));
  gguf.set("general.architecture", "mamba");
  EXPECT_THAT(plan_refusal(gguf), says(path_, {"architecture", "mamba", "llama"}));
  gguf.set("general.architecture", "two\nlines" + std::string(1000, 'x'));
  EXPECT_THAT(plan_refusal(gguf), testing::AllOf(says(path_, {"architecture", "two", "lines"}),
                                                 testing::SizeIs(testing::Lt(300u))));
  gguf.set("general.architecture", std::uint32_t{1});
  EXPECT_THAT(refusal_of([&] { ModelFile::open(folder_.write("m.gguf", gguf.bytes())); }),
              says(path_, {"metadata general.architecture has type 4"}));
}

TEST_F(HostileGgufModel, MissingTensorsAreNamed) {
  const GgufWriter good = tiny_gguf();
  for (const GgufTensorEntry& tensor : good.tensors) {
    if (tensor.name == "output.weight") continue;  // a head that is missing is tied
    GgufWriter gguf = good;
    std::erase_if(gguf.tensors, [&](const GgufTensorEntry& other) { return other.name == tensor.name; });
    EXPECT_THAT(plan_refusal(gguf), says(path_, {"tensor " + tensor.name, "missing"}));
  }
}

TEST_F(HostileGgufModel, TensorsOfOtherSizesAreNamed) {
  const GgufWriter good = tiny_gguf();
  for (std::size_t i = 0; i < good.tensors.size(); ++i) {
    for (const std::size_t dimension : {0u, 1u}) {
      GgufWriter gguf = good;
      GgufTensorEntry& tensor = gguf.tensors[i];
      if (dimension >= tensor.dimensions.size()) continue;
      const std::uint64_t before = tensor.dimensions[dimension];
      tensor.data.resize(tensor.data.size() / before * (before + 1));
      tensor.dimensions[dimension] = before + 1;
      // Another row of the embedding is another vocabulary, which the head then does not have.
      const std::string name =
          tensor.name == "token_embd.weight" && dimension == 1 ? "output.weight" : tensor.name;
      EXPECT_THAT(plan_refusal(gguf),
                  says(path_, {"tensor " + name + " has shape [", std::to_string(before + 1)}));
    }
  }
  GgufWriter flat = good;
  flat.tensor("blk.0.attn_q.weight").dimensions = {32 * 32};
  EXPECT_THAT(plan_refusal(flat), says(path_, {"blk.0.attn_q.weight", "[1024]", "[32, 32]"}));
  GgufWriter deep = good;
  deep.tensor("token_embd.weight").dimensions.push_back(1);
  EXPECT_THAT(plan_refusal(deep), says(path_, {"token_embd.weight"}));
}

TEST_F(HostileGgufModel, HeadsThatDoNotFitAreRefused) {
  GgufWriter gguf = tiny_gguf();
  gguf.set("llama.attention.head_count", std::uint32_t{64});  // more heads than there is width
  gguf.remove("llama.attention.head_count_kv");
  gguf.remove("llama.rope.dimension_count");
  EXPECT_THAT(plan_refusal(gguf), says(path_, {"head size"}));
  gguf = tiny_gguf();
  gguf.set("llama.attention.head_count", std::uint32_t{3});
  EXPECT_THAT(plan_refusal(gguf), says(path_, {"3 attention heads and 2 KV heads"}));
  gguf.remove("llama.attention.head_count_kv");
  EXPECT_THAT(plan_refusal(gguf), says(path_, {"llama.rope.dimension_count is 16"}));
  gguf.remove("llama.rope.dimension_count");
  EXPECT_THAT(plan_refusal(gguf), says(path_, {"tensor blk.0.attn_q.weight has shape [32, 32]", "[30, 32]"}));
}

// --- tokenizers

TEST_F(HostileGgufModel, TokenizerFieldsAreNamed) {
  const auto with = [&](auto&& change) {
    GgufWriter gguf = tiny_gguf();
    change(gguf);
    return tokenizer_refusal(gguf);
  };
  EXPECT_THAT(with([](GgufWriter& g) { g.remove("tokenizer.ggml.model"); }),
              says(path_, {"tokenizer.ggml.model"}));
  EXPECT_THAT(with([](GgufWriter& g) { g.set("tokenizer.ggml.model", "t5\nx"); }),
              says(path_, {"tokenizer.ggml.model is 't5\\x0ax'"}));
  EXPECT_THAT(with([](GgufWriter& g) { g.remove("tokenizer.ggml.tokens"); }),
              says(path_, {"tokenizer.ggml.tokens"}));
  EXPECT_THAT(with([](GgufWriter& g) { g.set_array<std::int32_t>("tokenizer.ggml.tokens", {1}); }),
              says(path_, {"tokenizer.ggml.tokens", "an array of texts"}));
  EXPECT_THAT(with([](GgufWriter& g) {
                g.set_array<float>("tokenizer.ggml.scores", {1, 2});
              }),
              says(path_, {"tokenizer.ggml.scores has 2 entries"}));
  EXPECT_THAT(with([](GgufWriter& g) {
                g.set_array(
                    "tokenizer.ggml.scores",
                    std::vector<float>(tiny_pieces().size(), std::numeric_limits<float>::quiet_NaN()));
              }),
              says(path_, {"tokenizer.ggml.scores entry 0 is nan"}));
  EXPECT_THAT(with([](GgufWriter& g) { g.set_array<std::int32_t>("tokenizer.ggml.token_type", {1}); }),
              says(path_, {"tokenizer.ggml.token_type has 1 entries"}));
  EXPECT_THAT(with([](GgufWriter& g) { g.set("tokenizer.ggml.bos_token_id", std::uint32_t{5000}); }),
              says(path_, {"tokenizer.ggml.bos_token_id is 5000"}));
  EXPECT_THAT(with([](GgufWriter& g) { g.set("tokenizer.ggml.add_bos_token", std::uint32_t{1}); }),
              says(path_, {"tokenizer.ggml.add_bos_token has type 4"}));
}

TEST_F(HostileGgufModel, ByteLevelTokenizerFieldsAreNamed) {
  GgufWriter gguf = tiny_gguf();
  gguf.set("tokenizer.ggml.model", "gpt2");
  EXPECT_THAT(tokenizer_refusal(gguf), says(path_, {"tokenizer.ggml.merges"}));
  gguf.set_array<std::string>("tokenizer.ggml.merges", {"a b", "ab"});
  EXPECT_THAT(tokenizer_refusal(gguf), says(path_, {"tokenizer.ggml.merges entry 1"}));
  gguf.set_array<std::string>("tokenizer.ggml.merges", {"a b", ""});
  EXPECT_THAT(tokenizer_refusal(gguf), says(path_, {"tokenizer.ggml.merges entry 1"}));
  gguf.set_array<std::string>("tokenizer.ggml.merges", {"a b", "  ", "\xff \xff"});
  gguf.set("tokenizer.ggml.pre", "un\nknown");
  EXPECT_THAT(tokenizer_refusal(gguf), says(path_, {"tokenizer.ggml.pre is 'un\\x0aknown'"}));
  gguf.set("tokenizer.ggml.pre", "gpt-2");
  EXPECT_THAT(use_model(folder_.write("m.gguf", gguf.bytes())), IsEmpty());
}

// Tokens are bytes: whatever they are, texts are encoded with them.
TEST_F(HostileGgufModel, OddTokensAreUsable) {
  GgufWriter gguf = tiny_gguf();
  std::vector<std::string> tokens(300, "a");
  tokens[1] = "\xff\xfe";
  tokens[2] = std::string(1000, ' ');
  tokens[3] = "";
  tokens[4] = "<0xZZ>";
  tokens[5] = "<0x-1>";
  tokens[6] = std::string("\0", 1);
  for (std::int32_t type = -1; type < 8; ++type) {
    gguf.set_array("tokenizer.ggml.tokens", tokens);
    gguf.set_array("tokenizer.ggml.scores", std::vector<float>(300, -std::numeric_limits<float>::infinity()));
    gguf.set_array("tokenizer.ggml.token_type", std::vector<std::int32_t>(300, type));
    EXPECT_THAT(use_model(folder_.write("m.gguf", gguf.bytes())), IsEmpty()) << type;
  }
}

}  // namespace
}  // namespace burin::tests
