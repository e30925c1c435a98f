// The evaluation texts through every tokenizer of the reference data and back.
#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/tokenizer/tokenizer.hpp"
#include "tests/support/reference_data.hpp"

namespace burin::runtime {
namespace {

using tests::reference_path;

constexpr std::size_t kPart = 60'000;  // of each text: the tokenizers together see all of most texts

const char* const kTexts[] = {"eval/tinyshakespeare/input.txt",
                              "eval/wikitext-2/wiki.test.raw",
                              "eval/wikitext-2/wiki.valid.tokens",
                              "eval/lambada/lambada_test.jsonl",
                              "eval/piqa/tests.jsonl",
                              "eval/llm-adapters/ARC-Easy.test.json",
                              "eval/llm-adapters/ARC-Challenge.test.json",
                              "eval/llm-adapters/winogrande.test.json",
                              "eval/llm-adapters/openbookqa.test.json"};

// Not TinyStories-656K's: its vocabulary has neither all characters nor all bytes.
const char* const kTokenizers[] = {"models/quantbase",
                                   "tokenizers/baichuan2-7b",
                                   "tokenizers/chatglm2-6b",
                                   "tokenizers/falcon",
                                   "tokenizers/gpt-neox/20B_tokenizer.json",
                                   "tokenizers/gpt2",
                                   "tokenizers/llama-2-7b/tokenizer.json",
                                   "tokenizers/llama-2-7b/tokenizer.model",
                                   "tokenizers/llama-3-8b",
                                   "tokenizers/mistral/tokenizer.model.v1",
                                   "tokenizers/mistral/mistral_instruct_tokenizer_240216.model.v2",
                                   "tokenizers/mistral/mistral_instruct_tokenizer_240323.model.v3",
                                   "tokenizers/mistral/mistral_instruct_tokenizer_241114.model.v7",
                                   "tokenizers/opt",
                                   "tokenizers/qwen2-0_5b",
                                   "vocab-gguf/ggml-vocab-baichuan.gguf",
                                   "vocab-gguf/ggml-vocab-deepseek-llm.gguf",
                                   "vocab-gguf/ggml-vocab-falcon.gguf",
                                   "vocab-gguf/ggml-vocab-gpt-2.gguf",
                                   "vocab-gguf/ggml-vocab-gpt-neox.gguf",
                                   "vocab-gguf/ggml-vocab-llama-spm.gguf",
                                   "vocab-gguf/ggml-vocab-mpt.gguf",
                                   "vocab-gguf/ggml-vocab-phi-3.gguf",
                                   "vocab-gguf/ggml-vocab-stablelm.gguf"};

class RoundTrip : public testing::TestWithParam<const char*> {};

// Another part of each text for each tokenizer, cut between characters.
std::string part_of(const std::string& text, std::size_t number) {
  const auto at_character = [&](std::size_t at) {
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) ++at;
    return at;
  };
  const std::size_t begin = at_character(number * kPart % std::max<std::size_t>(text.size(), 1));
  const std::size_t end = at_character(std::min(begin + kPart, text.size()));
  return text.substr(begin, end - begin);
}

TEST_P(RoundTrip, OfTheEvaluationTexts) {
  BURIN_NEEDS_REFERENCE(GetParam());
  BURIN_NEEDS_REFERENCE("eval");
  const auto tokenizer = Tokenizer::open(reference_path(GetParam()));
  const auto number = static_cast<std::size_t>(
      std::find(std::begin(kTokenizers), std::end(kTokenizers), GetParam()) - std::begin(kTokenizers));
  for (const char* path : kTexts) {
    const std::string text = part_of(tests::read_bytes(reference_path(path)), number);
    const std::vector<TokenId> ids = tokenizer->encode(text, {.add_special = true, .parse_special = false});
    EXPECT_TRUE(tokenizer->decode(ids) == text) << path;
  }
}

INSTANTIATE_TEST_SUITE_P(All, RoundTrip, testing::ValuesIn(kTokenizers));

}  // namespace
}  // namespace burin::runtime
