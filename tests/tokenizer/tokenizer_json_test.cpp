// Components of tokenizer.json that published models have and the reference data lacks.
#include <gmock/gmock.h>

#include "runtime/tokenizer/tokenizer.hpp"
#include "tests/support/refusal.hpp"
#include "tests/support/safetensors_writer.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::runtime {
namespace {

using nlohmann::json;

class TokenizerJson : public testing::Test {
 protected:
  std::unique_ptr<Tokenizer> load(const json& tokenizer) const {
    return Tokenizer::open(folder_.write("tokenizer.json", tokenizer.dump()));
  }

  const tests::TemporaryFolder folder_;
};

// SentencePiece's kind of BPE; spaces are replaced by the normaliser.
json with_replaced_spaces() {
  json tokenizer = tests::tiny_tokenizer_json();
  tokenizer["model"] = {{"type", "BPE"},
                        {"unk_token", "<unk>"},
                        {"byte_fallback", true},
                        {"vocab",
                         {{"<unk>", 0},
                          {"<s>", 1},
                          {"</s>", 2},
                          {"\xe2\x96\x81", 3},
                          {"t", 4},
                          {"o", 5},
                          {"\xe2\x96\x81t", 6},
                          {"to", 7},
                          {"<0x0A>", 8}}},
                        {"merges", {"\xe2\x96\x81 t", "t o"}}};
  tokenizer["normalizer"] = {
      {"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "\xe2\x96\x81"}};
  tokenizer["pre_tokenizer"] = nullptr;
  tokenizer["decoder"] = nullptr;
  return tokenizer;
}

// As Gemma has it.
TEST_F(TokenizerJson, SpacesThatAreReplacedSplitNothing) {
  const std::string text = " to  to t\no";
  json tokenizer = with_replaced_spaces();
  const std::vector<TokenId> expected = load(tokenizer)->encode(text);
  EXPECT_THAT(expected, testing::ElementsAre(1, 6, 5, 3, 6, 5, 6, 8, 5));
  tokenizer["pre_tokenizer"] = {{"type", "Split"},
                                {"pattern", {{"String", " "}}},
                                {"behavior", "MergedWithPrevious"},
                                {"invert", false}};
  EXPECT_EQ(load(tokenizer)->encode(text), expected);
  tokenizer["pre_tokenizer"]["pattern"]["String"] = "t";
  EXPECT_THAT(tests::refusal_of([&] { load(tokenizer); }),
              tests::says(folder_ / "tokenizer.json", {"pre_tokenizer is 'Split'", "Metaspace is"}));
}

}  // namespace
}  // namespace burin::runtime
