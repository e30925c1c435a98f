// Good files with random damage: each is used or refused with one line, and none makes the library ask for a
// lot of memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/allocation_watch.hpp"
#include "tests/support/gguf_writer.hpp"
#include "tests/support/llama2c_writer.hpp"
#include "tests/support/mutations.hpp"
#include "tests/support/refusal.hpp"
#include "tests/support/safetensors_writer.hpp"
#include "tests/support/use_model.hpp"

namespace burin::tests {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::IsEmpty;

constexpr int kMutants = 400;  // of every file

// Small files are damaged where it matters more often.
TinyLlama small_model() {
  TinyLlama model;
  model.own_head = false;
  model.matrices = kernels::StoredType::bf16;
  return model;
}

class MutatedFiles : public testing::Test {
 protected:
  // Writes mutants over `file` and uses `model` each time.
  void use_mutants(const std::string& file, const std::string& good, std::size_t hot, FileKind kind,
                   const fs::path& model) {
    folder_.write(file, good);
    ASSERT_THAT(use_model(model), IsEmpty());
    Mutator mutator(good, hot, kind, 1);
    int refused = 0;
    for (int i = 0; i < kMutants; ++i) {
      const std::string bytes = mutator.next();
      folder_.write(file, bytes);
      std::vector<std::string> refusals;
      const std::size_t largest = largest_allocation_of([&] { refusals = use_model(model); });
      EXPECT_LT(largest, (std::size_t{64} << 20) + 8 * bytes.size()) << "mutant " << i << keep(file, i);
      for (const std::string& refusal : refusals) {
        EXPECT_TRUE(is_one_line(refusal)) << refusal << "\nmutant " << i << keep(file, i);
        EXPECT_TRUE(refusal.starts_with(folder_.path().string()))
            << refusal << "\nmutant " << i << keep(file, i);
      }
      if (!refusals.empty()) ++refused;
    }
    folder_.write(file, good);
    // Otherwise the damage was too small to say anything.
    EXPECT_GT(refused, kMutants / 4) << file;
  }

  // Saves the file, so that a failure can be looked at.
  std::string keep(const std::string& file, int mutant) const {
    const fs::path copy = fs::temp_directory_path() / fmt::format("burin-mutant-{}-{}", mutant, file);
    fs::copy_file(folder_ / file, copy, fs::copy_options::overwrite_existing);
    return ", saved as " + copy.string();
  }

  TemporaryFolder folder_;
};

TEST_F(MutatedFiles, Gguf) {
  const GgufWriter gguf = tiny_gguf(small_model());
  use_mutants("m.gguf", gguf.bytes(), gguf.header().size(), FileKind::binary, folder_ / "m.gguf");
}

// The counts, the settings and the tensor list, without the vocabulary between them.
TEST_F(MutatedFiles, GgufSettings) {
  GgufWriter gguf = tiny_gguf(small_model());
  std::stable_partition(gguf.metadata.begin(), gguf.metadata.end(),
                        [](const GgufEntry& entry) { return entry.type != 9; });
  GgufWriter settings = gguf;
  std::erase_if(settings.metadata, [](const GgufEntry& entry) { return entry.type == 9; });
  settings.tensors.clear();
  use_mutants("m.gguf", gguf.bytes(), settings.header().size(), FileKind::binary, folder_ / "m.gguf");
}

// The first of two files, then the second.
TEST_F(MutatedFiles, GgufInParts) {
  GgufWriter first = tiny_gguf(small_model());
  GgufWriter second;
  second.tensors.assign(first.tensors.begin() + 3, first.tensors.end());
  first.tensors.resize(3);
  for (const auto& [part, number] : {std::pair(&first, 0), std::pair(&second, 1)}) {
    part->set("split.no", static_cast<std::uint16_t>(number));
    part->set("split.count", std::uint16_t{2});
  }
  folder_.write("m-00002-of-00002.gguf", second.bytes());
  const fs::path model = folder_ / "m-00001-of-00002.gguf";
  use_mutants("m-00001-of-00002.gguf", first.bytes(), first.header().size(), FileKind::binary, model);
  use_mutants("m-00002-of-00002.gguf", second.bytes(), second.header().size(), FileKind::binary, model);
}

TEST_F(MutatedFiles, GgufByteLevelTokenizer) {
  GgufWriter gguf = tiny_gguf(small_model());
  gguf.set("tokenizer.ggml.model", "gpt2");
  gguf.set("tokenizer.ggml.pre", "llama-bpe");
  const json tokenizer = tiny_tokenizer_json();
  std::vector<std::string> tokens(static_cast<std::size_t>(kTinyJsonVocabulary));
  for (const auto& [text, id] : tokenizer["model"]["vocab"].items()) tokens[id.get<std::size_t>()] = text;
  gguf.set_array("tokenizer.ggml.tokens", tokens);
  gguf.set_array<std::string>("tokenizer.ggml.merges", tokenizer["model"]["merges"]);
  gguf.remove("tokenizer.ggml.scores");
  gguf.set_array("tokenizer.ggml.token_type", std::vector<std::int32_t>(tokens.size(), 1));
  use_mutants("m.gguf", gguf.bytes(), gguf.header().size(), FileKind::binary, folder_ / "m.gguf");
}

TEST_F(MutatedFiles, Safetensors) {
  write_tiny_folder(folder_, small_model());
  const std::string good = tiny_shards(small_model(), 1)[0].bytes();
  std::uint64_t header = 0;
  std::memcpy(&header, good.data(), sizeof(header));
  use_mutants("model.safetensors", good, 8, FileKind::binary, folder_.path());
  use_mutants("model.safetensors", good, 8 + header, FileKind::json, folder_.path());
}

TEST_F(MutatedFiles, SafetensorsIndex) {
  write_tiny_folder(folder_, small_model(), 3);
  const std::string good = tiny_index(tiny_shards(small_model(), 3)).dump(2);
  use_mutants("model.safetensors.index.json", good, good.size(), FileKind::json, folder_.path());
}

TEST_F(MutatedFiles, Config) {
  write_tiny_folder(folder_, small_model());
  json config = tiny_config(small_model());
  config["rope_parameters"] = {{"rope_type", "linear"}, {"rope_theta", 10000}, {"factor", 2}};
  use_mutants("config.json", config.dump(), 1 << 20, FileKind::json, folder_.path());
}

TEST_F(MutatedFiles, TokenizerJson) {
  write_tiny_folder(folder_, small_model());
  use_mutants("tokenizer.json", tiny_tokenizer_json().dump(), 1 << 20, FileKind::json, folder_.path());
}

// The same with SentencePiece's kind of BPE, and few tokens, so that the settings are hit.
TEST_F(MutatedFiles, TokenizerJsonWithByteFallback) {
  write_tiny_folder(folder_, small_model());
  json tokenizer = tiny_tokenizer_json();
  json& model = tokenizer["model"];
  model["byte_fallback"] = true;
  model["unk_token"] = "<unk>";
  model["vocab"] = {{"<unk>", 0}, {"<s>", 1},           {"</s>", 2},  {"\xe2\x96\x81", 3},
                    {"t", 4},     {"\xe2\x96\x81t", 5}, {"<0x0A>", 6}};
  model["merges"] = json::array({json::array({"\xe2\x96\x81", "t"})});
  tokenizer["pre_tokenizer"] = {
      {"type", "Metaspace"}, {"replacement", "\xe2\x96\x81"}, {"prepend_scheme", "first"}};
  use_mutants("tokenizer.json", tokenizer.dump(), 1 << 20, FileKind::json, folder_.path());
}

TEST_F(MutatedFiles, TokenizerSettings) {
  write_tiny_folder(folder_, small_model());
  const json settings = {{"add_bos_token", true},
                         {"add_eos_token", false},
                         {"bos_token", "<s>"},
                         {"eos_token", {{"content", "</s>"}, {"lstrip", false}}}};
  use_mutants("tokenizer_config.json", settings.dump(), 1 << 20, FileKind::json, folder_.path());
  use_mutants("generation_config.json", R"({"bos_token_id": 1, "eos_token_id": [2, 3]})", 1 << 20,
              FileKind::json, folder_.path());
}

TEST_F(MutatedFiles, VocabularyAndMerges) {
  write_tiny_folder(folder_, small_model());
  fs::remove(folder_ / "tokenizer.json");
  const json model = tiny_tokenizer_json()["model"];
  std::string merges = "#version: 0.2\n";
  for (const json& merge : model["merges"]) merges += merge.get<std::string>() + "\n";
  folder_.write("merges.txt", merges);
  use_mutants("vocab.json", model["vocab"].dump(), 1 << 20, FileKind::json, folder_.path());
  use_mutants("merges.txt", merges, 1 << 20, FileKind::json, folder_.path());
}

TEST_F(MutatedFiles, Llama2c) {
  folder_.write("tokenizer.bin", tiny_llama2c_tokenizer());
  use_mutants("model.bin", tiny_llama2c(small_model()), 28, FileKind::binary, folder_ / "model.bin");
  use_mutants("tokenizer.bin", tiny_llama2c_tokenizer(), 64, FileKind::binary, folder_ / "model.bin");
}

}  // namespace
}  // namespace burin::tests
