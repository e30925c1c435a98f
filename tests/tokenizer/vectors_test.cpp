// Token ids byte for byte as published: llama.cpp's vectors (made with Hugging Face's tokenizers) and those
// of transformers.js.
#include <gtest/gtest.h>

#include <cctype>
#include <sstream>

#include "runtime/tokenizer/tokenizer.hpp"
#include "tests/support/reference_data.hpp"

namespace burin::runtime {
namespace {

using tests::read_bytes;
using tests::read_json;
using tests::reference_path;

// One vector file and the tokenizer it belongs to.
struct Vectors {
  const char* name;       // of vocab-gguf/ggml-vocab-NAME.gguf.{inp,out}
  const char* tokenizer;  // below the reference data
};
void PrintTo(const Vectors& vectors, std::ostream* out) { *out << vectors.tokenizer; }

class LlamaCppVectors : public testing::TestWithParam<Vectors> {};

std::vector<std::string> read_cases(const std::string& path) {
  const std::string separator = "\n__ggml_vocab_test__\n";
  const std::string text = read_bytes(reference_path(path));
  std::vector<std::string> cases;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find(separator, at);
    if (end == std::string::npos) break;  // every case is followed by the separator
    cases.push_back(text.substr(at, end - at));
    at = end + separator.size();
  }
  return cases;
}

std::vector<std::vector<TokenId>> read_ids(const std::string& path) {
  std::istringstream lines(read_bytes(reference_path(path)));
  std::vector<std::vector<TokenId>> all;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream numbers(line);
    std::vector<TokenId> ids;
    for (TokenId id = 0; numbers >> id;) ids.push_back(id);
    all.push_back(ids);
  }
  return all;
}

TEST_P(LlamaCppVectors, EncodesAndDecodes) {
  const std::string file = std::string("vocab-gguf/ggml-vocab-") + GetParam().name + ".gguf";
  BURIN_NEEDS_REFERENCE(file + ".inp");
  BURIN_NEEDS_REFERENCE(GetParam().tokenizer);
  const std::unique_ptr<Tokenizer> tokenizer = Tokenizer::open(reference_path(GetParam().tokenizer));
  const std::vector<std::string> texts = read_cases(file + ".inp");
  const std::vector<std::vector<TokenId>> expected = read_ids(file + ".out");
  ASSERT_EQ(texts.size(), expected.size());
  ASSERT_GT(texts.size(), 40u);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    SCOPED_TRACE("case " + std::to_string(i) + ": " + texts[i]);
    EXPECT_EQ(tokenizer->encode(texts[i], {.add_special = false, .parse_special = false}), expected[i]);
    EXPECT_EQ(tokenizer->decode(expected[i]), texts[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(All, LlamaCppVectors,
                         testing::Values(Vectors{"llama-spm", "vocab-gguf/ggml-vocab-llama-spm.gguf"},
                                         Vectors{"llama-spm", "tokenizers/llama-2-7b/tokenizer.json"},
                                         Vectors{"llama-spm", "tokenizers/llama-2-7b/tokenizer.model"},
                                         Vectors{"gpt-2", "tokenizers/gpt2"},
                                         Vectors{"mpt", "tokenizers/gpt-neox/20B_tokenizer.json"},
                                         Vectors{"falcon", "tokenizers/falcon"},
                                         Vectors{"phi-3", "vocab-gguf/ggml-vocab-phi-3.gguf"},
                                         Vectors{"gpt-2", "vocab-gguf/ggml-vocab-gpt-2.gguf"},
                                         Vectors{"mpt", "vocab-gguf/ggml-vocab-mpt.gguf"},
                                         Vectors{"falcon", "vocab-gguf/ggml-vocab-falcon.gguf"},
                                         Vectors{"deepseek-llm", "vocab-gguf/ggml-vocab-deepseek-llm.gguf"},
                                         Vectors{"llama-bpe", "tokenizers/llama-3-8b"},
                                         Vectors{"qwen2", "tokenizers/qwen2-0_5b"}),
                         [](const testing::TestParamInfo<Vectors>& test) {
                           std::string name = test.param.tokenizer;
                           for (char& c : name)
                             if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
                           return name;
                         });

// The same vocabulary from another kind of file.
struct SharedVectors {
  const char* file;   // below tokenizer-vectors/
  const char* model;  // key in it
  const char* tokenizer;
};
void PrintTo(const SharedVectors& vectors, std::ostream* out) { *out << vectors.tokenizer; }

class PublishedVectors : public testing::TestWithParam<SharedVectors> {};

TEST_P(PublishedVectors, Encodes) {
  BURIN_NEEDS_REFERENCE(std::string("tokenizer-vectors/") + GetParam().file);
  BURIN_NEEDS_REFERENCE(GetParam().tokenizer);
  const std::unique_ptr<Tokenizer> tokenizer = Tokenizer::open(reference_path(GetParam().tokenizer));
  const nlohmann::json cases =
      read_json(reference_path(std::string("tokenizer-vectors/") + GetParam().file))[GetParam().model];
  ASSERT_GT(cases.size(), 20u);
  for (const auto& [name, vector] : cases.items()) {
    SCOPED_TRACE(name);
    EXPECT_EQ(tokenizer->encode(vector["text"].get<std::string>()),
              vector["ids"].get<std::vector<TokenId>>());
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, PublishedVectors,
    testing::Values(
        SharedVectors{"llama.json", "Xenova/llama-tokenizer", "tokenizers/llama-2-7b/tokenizer.json"},
        SharedVectors{"llama.json", "Xenova/llama-tokenizer", "tokenizers/llama-2-7b/tokenizer.model"},
        SharedVectors{"llama.json", "Xenova/llama-tokenizer", "vocab-gguf/ggml-vocab-llama-spm.gguf"},
        SharedVectors{"gpt2.json", "Xenova/gpt2", "tokenizers/gpt2"},
        SharedVectors{"gpt2.json", "Xenova/gpt2", "vocab-gguf/ggml-vocab-gpt-2.gguf"}));

// By Hugging Face's tokenizers 0.23.
TEST(OptVectors, AsPublished) {
  BURIN_NEEDS_REFERENCE("tokenizers/opt");
  EXPECT_EQ(Tokenizer::open(reference_path("tokenizers/opt"))
                ->encode("Hello, world!  It's 2024.\n\tcaf\u00e9 \u6f22\u5b57 \U0001f642"),
            (std::vector<TokenId>{31414, 6,   232,  328,  1437,  85,   18,   15294, 4,    50118,
                                  50117, 438, 2001, 1140, 47416, 4394, 7258, 48823, 6800, 45868}));
}

}  // namespace
}  // namespace burin::runtime
