// The components of tokenizer.json. Expected ids are those of Hugging Face's tokenizers 0.23.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "jit/error.hpp"
#include "runtime/tokenizer/tokenizer.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::runtime {
namespace {

using nlohmann::json;
using Ids = std::vector<TokenId>;
using testing::HasSubstr;

// What a file of these components says.
std::unique_ptr<Tokenizer> tokenizer_of(const json& model, const json& pre_tokenizer,
                                        const json& normalizer = nullptr,
                                        const json& added_tokens = json::array(),
                                        const json& post_processor = nullptr) {
  const tests::TemporaryFolder folder;
  folder.write("tokenizer.json", json({{"model", model},
                                       {"pre_tokenizer", pre_tokenizer},
                                       {"normalizer", normalizer},
                                       {"added_tokens", added_tokens},
                                       {"post_processor", post_processor}})
                                     .dump());
  return Tokenizer::open(folder.path());
}

std::string refusal_of(const json& model, const json& pre_tokenizer, const json& normalizer = nullptr) {
  try {
    tokenizer_of(model, pre_tokenizer, normalizer);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

json added(TokenId id, const char* content, const json& flags) {
  json token = {{"id", id}, {"content", content}};
  token.update(flags);
  return token;
}

const json kByteLevel = {{"type", "ByteLevel"}, {"add_prefix_space", false}};
// Bytes in GPT-2's spelling.
const json kBytes = {{"type", "BPE"},
                     {"vocab",
                      {{"a", 0},
                       {"b", 1},
                       {"Ġ", 2},
                       {"Ċ", 3},
                       {"ab", 4},
                       {"s", 5},
                       {"Ã", 6},
                       {"Â", 7},
                       {"ł", 8},
                       {"©", 9},
                       {"_", 10},
                       {"1", 11},
                       {"Ģ", 12},
                       {"â", 13},
                       {"ĥ", 14},
                       {"-", 15}}},
                     {"merges", json::array({"a b"})}};
const json kMarked = {{"type", "BPE"},
                      {"unk_token", "<unk>"},
                      {"vocab",
                       {{"<unk>", 0},
                        {"▁", 1},
                        {"a", 2},
                        {"b", 3},
                        {"▁▁", 4},
                        {"▁a", 5},
                        {"ab", 6},
                        {"▁ab", 7},
                        {"\n", 8},
                        {"b▁", 9},
                        {"<s>", 10}}},
                      {"merges", {"▁ ▁", "a b", "▁ ab", "▁ a", "b ▁"}}};
const json kUnigram = json::parse(R"({"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["<s>", 0.0],
  ["</s>", 0.0], ["▁", -2.0], ["a", -3.0], ["b", -3.2], ["ab", -4.0], ["▁ab", -4.5], ["abab", -9.0], ["c", -5.0],
  ["▁c", -5.5], ["bc", -6.0]]})");

TEST(AddedTokens, TakeWhiteSpaceAlong) {
  const auto tokenizer =
      tokenizer_of(kBytes, kByteLevel, nullptr,
                   {added(16, "<l>", {{"lstrip", true}}), added(17, "<r>", {{"rstrip", true}})});
  EXPECT_EQ(tokenizer->encode("a \n<l> b"), (Ids{0, 16, 2, 1}));
  EXPECT_EQ(tokenizer->encode("a <r> \n b"), (Ids{0, 2, 17, 1}));
  EXPECT_EQ(tokenizer->encode("a\u00a0<l>b"), (Ids{0, 16, 1})) << "white space as Unicode has it";
  EXPECT_EQ(tokenizer->encode("a<r>\u00a0b"), (Ids{0, 17, 1}));
}

TEST(AddedTokens, OfSingleWordsAreNotWithinWords) {
  const json single = {{"single_word", true}};
  const auto tokenizer =
      tokenizer_of(kBytes, kByteLevel, nullptr, {added(18, "<w>", single), added(19, "aa", single)});
  EXPECT_EQ(tokenizer->encode("<w>"), (Ids{18}));
  EXPECT_EQ(tokenizer->encode("-<w>-"), (Ids{15, 18, 15}));
  EXPECT_EQ(tokenizer->encode("<w><w>"), (Ids{18, 18}));
  EXPECT_EQ(tokenizer->encode("a<w>"), (Ids{0}));
  EXPECT_EQ(tokenizer->encode("_<w>"), (Ids{10}));
  EXPECT_EQ(tokenizer->encode("<w>1"), (Ids{11}));
  EXPECT_EQ(tokenizer->encode("é<w> b"), (Ids{6, 9, 2, 1}));
  EXPECT_EQ(tokenizer->encode("aaa aa aab"), (Ids{0, 0, 0, 2, 19, 2, 0, 4}));
}

TEST(AddedTokens, AreFoundBehindTheSpaceThatANormalizerPutsInFront) {
  const json normalizer =
      json::parse(R"({"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"},
    {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]})");
  json flags = {{"lstrip", true}, {"rstrip", true}, {"special", true}, {"normalized", true}};
  const auto normalized = tokenizer_of(kMarked, nullptr, normalizer, json::array({added(10, "<s>", flags)}));
  EXPECT_EQ(normalized->encode("<s>"), (Ids{10}));
  EXPECT_EQ(normalized->encode("a <s> ab"), (Ids{5, 10, 7}));
  EXPECT_EQ(normalized->encode("a <s>ab"), (Ids{5, 10, 6}));
  EXPECT_EQ(normalized->encode("a<s>"), (Ids{5, 0, 0, 0}));
  EXPECT_EQ(normalized->encode("<s><s>"), (Ids{10, 0, 0, 0}));
  EXPECT_EQ(normalized->encode("  <s>b"), (Ids{4, 10, 3}));
  EXPECT_EQ(normalized->encode("a <s>", {false, false}), (Ids{5, 1, 0, 0, 0}))
      << "plain text where asked for";
  flags["normalized"] = false;
  const auto as_written = tokenizer_of(kMarked, nullptr, normalizer, json::array({added(10, "<s>", flags)}));
  EXPECT_EQ(as_written->encode("a <s>ab"), (Ids{5, 10, 7}));
  EXPECT_EQ(as_written->encode("a<s>"), (Ids{5, 10}));
  EXPECT_EQ(as_written->encode("<s><s>"), (Ids{10, 10}));
}

TEST(ByteLevel, PutsASpaceInFrontOfAllButASpace) {
  const auto tokenizer = tokenizer_of(kBytes, {{"type", "ByteLevel"}, {"add_prefix_space", true}});
  EXPECT_EQ(tokenizer->encode("ab"), (Ids{2, 4}));
  EXPECT_EQ(tokenizer->encode("\nab"), (Ids{2, 3, 4}));
  EXPECT_EQ(tokenizer->encode(" ab"), (Ids{2, 4}));
}

json metaspace(const char* scheme, bool split) {
  return {{"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", scheme}, {"split", split}};
}

TEST(Metaspace, PutsASpaceInFrontAsItsSchemeSays) {
  const json start = json::array({added(10, "<s>", {{"special", true}})});
  const auto check = [&](const char* scheme, const std::vector<Ids>& expected) {
    const auto tokenizer = tokenizer_of(kMarked, metaspace(scheme, true), nullptr, start);
    std::vector<Ids> encoded;
    for (const char* text : {"ab a", " a", "\na", "<s>ab", "a<s> b"})
      encoded.push_back(tokenizer->encode(text));
    EXPECT_EQ(encoded, expected) << scheme;
  };
  check("always", {{7, 5}, {5}, {1, 8, 2}, {10, 7}, {5, 10, 1, 3}});
  check("first", {{7, 5}, {5}, {1, 8, 2}, {10, 6}, {5, 10, 1, 3}});
  check("never", {{6, 5}, {5}, {8, 2}, {10, 6}, {2, 10, 1, 3}});
}

TEST(Metaspace, SplitsAtEverySpaceWhereAskedTo) {
  EXPECT_EQ(tokenizer_of(kMarked, metaspace("always", true))->encode("  ab b ab "), (Ids{1, 7, 1, 3, 7, 1}));
  EXPECT_EQ(tokenizer_of(kMarked, metaspace("always", false))->encode("  ab b ab "), (Ids{4, 6, 1, 3, 7, 1}));
}

TEST(Unigram, TakesTheMostProbableTokens) {
  const json special = {{"special", true}};
  const auto tokenizer =
      tokenizer_of(kUnigram, metaspace("always", true), nullptr,
                   {added(0, "<unk>", special), added(1, "<s>", special), added(2, "</s>", special)});
  EXPECT_EQ(tokenizer->encode("ab abc"), (Ids{7, 7, 9}));
  EXPECT_EQ(tokenizer->encode("abab"), (Ids{7, 6}));
  EXPECT_EQ(tokenizer->encode("a  b"), (Ids{3, 4, 3, 3, 5}));
  EXPECT_EQ(tokenizer->encode(""), Ids{});
  EXPECT_EQ(tokenizer->encode(" c"), (Ids{10}));
  EXPECT_EQ(tokenizer->encode("c</s>c"), (Ids{10, 2, 10}));
  EXPECT_EQ(tokenizer->encode("xyz a"), (Ids{3, 0, 3, 4})) << "unknown characters in a row are one token";
  EXPECT_EQ(tokenizer->encode("xéa x"), (Ids{3, 0, 4, 3, 0}));
  EXPECT_EQ(tokenizer->decode(Ids{7, 7, 9}), "ab abc");
}

TEST(Unigram, FallsBackToBytesAfterNormalizers) {
  const json model =
      json::parse(R"({"type": "Unigram", "unk_id": 0, "byte_fallback": true, "vocab": [["<unk>", 0.0],
    ["▁", -2.0], ["x", -3.0], ["<0xC3>", -20.0], ["<0xA9>", -20.0], ["<0x0A>", -20.0]]})");
  const json normalizers = {
      {"type", "Sequence"},
      {"normalizers", {{{"type", "NFKC"}}, {{"type", "Lowercase"}}, {{"type", "Strip"}}}}};
  const auto tokenizer = tokenizer_of(model, metaspace("first", false), normalizers);
  EXPECT_EQ(tokenizer->encode("X\u00e9x"), (Ids{1, 2, 3, 4, 2}));
  EXPECT_EQ(tokenizer->encode("x\nX "), (Ids{1, 2, 5, 2}));
  EXPECT_EQ(tokenizer->encode("e\u0301"), (Ids{1, 3, 4}));
}

TEST(TemplateProcessing, MayBeginWithSeveralTokens) {
  const json special = {{"special", true}};
  const json post = {{"type", "TemplateProcessing"},
                     {"single",
                      {{{"SpecialToken", {{"id", "[gMASK]"}, {"type_id", 0}}}},
                       {{"SpecialToken", {{"id", "<sop>"}, {"type_id", 0}}}},
                       {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}}}};
  const auto tokenizer = tokenizer_of(kBytes, kByteLevel, nullptr,
                                      {added(16, "[gMASK]", special), added(17, "<sop>", special)}, post);
  EXPECT_EQ(tokenizer->encode("ab"), (Ids{16, 17, 4}));
  EXPECT_EQ(tokenizer->beginning(), (Ids{16, 17}));
  EXPECT_EQ(tokenizer->encode("ab", {.add_special = false, .parse_special = true}), (Ids{4}));
}

TEST(RobertaProcessing, PutsTwoTokensAroundATextAsBertProcessingDoes) {
  const json special = {{"special", true}};
  const json tokens = json::array({added(16, "<s>", special), added(17, "</s>", special)});
  for (const char* type : {"RobertaProcessing", "BertProcessing"}) {
    json post = {{"type", type}, {"cls", json::array({"<s>", 16})}, {"sep", json::array({"</s>", 17})}};
    EXPECT_EQ(tokenizer_of(kBytes, kByteLevel, nullptr, tokens, post)->encode("ab"), (Ids{16, 4, 17}));
    post["sep"] = json::array({"<none>", 17});
    EXPECT_THROW(tokenizer_of(kBytes, kByteLevel, nullptr, tokens, post), Error);
  }
}

TEST(TokenizerJson, RefusesWhatIsDoneAfterwardsByName) {
  const auto with = [](const char* pointer, const json& value) {
    const tests::TemporaryFolder folder;
    json root = {{"model", kBytes}, {"pre_tokenizer", kByteLevel}};
    root[json::json_pointer(pointer)] = value;
    folder.write("tokenizer.json", root.dump());
    try {
      Tokenizer::open(folder.path());
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  for (const char* type : {"WordPiece", "BPEDecoder", "CTC"})
    EXPECT_THAT(with("/decoder", {{"type", type}}),
                HasSubstr("decoder '" + std::string(type) + "' is not supported: ByteLevel, Metaspace, "));
  EXPECT_THAT(with("/post_processor", {{"type", "Odd"}}),
              HasSubstr("post_processor 'Odd' is not supported: TemplateProcessing, "));
  EXPECT_THAT(with("/model/end_of_word_suffix", "</w>"), HasSubstr("model.end_of_word_suffix is '</w>'"));
  EXPECT_THAT(with("/model/continuing_subword_prefix", "##"),
              HasSubstr("model.continuing_subword_prefix is '##'"));
  EXPECT_EQ(with("/decoder", {{"type", "ByteLevel"}}), "");
}

TEST(TokenizerJson, RefusesByNameAndSaysWhatWorks) {
  EXPECT_THAT(refusal_of({{"type", "WordPiece"}, {"vocab", json::object()}}, nullptr),
              HasSubstr("model.type is 'WordPiece': not supported: BPE and Unigram are"));
  EXPECT_THAT(refusal_of({{"type", "WordLevel"}, {"vocab", json::object()}}, nullptr),
              HasSubstr("model.type is 'WordLevel': not supported: BPE and Unigram are"));
  for (const char* type : {"BertPreTokenizer", "CharDelimiterSplit", "Metaspaces", "UnicodeScripts",
                           "Whitespace", "WhitespaceSplit", "FixedLength"})
    EXPECT_THAT(refusal_of(kBytes, {{"type", type}}),
                HasSubstr("pre_tokenizer '" + std::string(type) +
                          "' is not supported: ByteLevel, Split, Digits and Punctuation are"));
  for (const char* type : {"BertNormalizer", "ByteLevel", "Nmt", "StripAccents"})
    EXPECT_THAT(
        refusal_of(kBytes, kByteLevel, {{"type", type}}),
        HasSubstr("normalizer '" + std::string(type) +
                  "' is not supported: NFC, NFD, NFKC, NFKD, Lowercase, Strip, Replace and Prepend are"));
  EXPECT_THAT(refusal_of(kUnigram, metaspace("always", true), {{"type", "Precompiled"}}),
              HasSubstr("'Precompiled' is not supported"));
  EXPECT_THAT(refusal_of(kUnigram, metaspace("last", true)), HasSubstr("prepend_scheme 'last'"));
  EXPECT_THAT(refusal_of(kUnigram, {{"type", "WhitespaceSplit"}}),
              HasSubstr("'WhitespaceSplit' is not supported where spaces become U+2581: Metaspace is"));
  const json digits_first = {{"type", "Sequence"},
                             {"pretokenizers", {{{"type", "Digits"}}, {{"type", "ByteLevel"}}}}};
  EXPECT_THAT(refusal_of(kBytes, digits_first), HasSubstr("add_prefix_space after another component"));
}

// As Gemma has it: spaces are replaced before anything could split at them.
TEST(TokenizerJson, SpacesThatAreReplacedSplitNothing) {
  const json model = {{"type", "BPE"},
                      {"unk_token", "<unk>"},
                      {"byte_fallback", true},
                      {"vocab",
                       {{"<unk>", 0},
                        {"\xe2\x96\x81", 3},
                        {"t", 4},
                        {"o", 5},
                        {"\xe2\x96\x81t", 6},
                        {"to", 7},
                        {"<0x0A>", 8}}},
                      {"merges", {"\xe2\x96\x81 t", "t o"}}};
  const json spaces = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "\xe2\x96\x81"}};
  json split = {{"type", "Split"},
                {"pattern", {{"String", " "}}},
                {"behavior", "MergedWithPrevious"},
                {"invert", false}};
  const std::string text = " to  to t\no";
  EXPECT_EQ(tokenizer_of(model, nullptr, spaces)->encode(text), (Ids{6, 5, 3, 6, 5, 6, 8, 5}));
  EXPECT_EQ(tokenizer_of(model, split, spaces)->encode(text), (Ids{6, 5, 3, 6, 5, 6, 8, 5}));
  split["pattern"]["String"] = "t";
  EXPECT_THAT(refusal_of(model, split, spaces), HasSubstr("pre_tokenizer 'Split' is not supported"));
}

// Ids are those of Hugging Face's tokenizers 0.23.3.
TEST(TokenizerJson, UnknownCharactersAreOneTokenWhereTheyFuse) {
  json model = {{"type", "BPE"},
                {"unk_token", "<unk>"},
                {"fuse_unk", true},
                {"vocab", {{"<unk>", 0}, {"\xe2\x96\x81", 1}, {"a", 2}, {"b", 3}, {"ab", 4}}},
                {"merges", {"a b"}}};
  const json spaces = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "\xe2\x96\x81"}};
  const auto fused = tokenizer_of(model, nullptr, spaces);
  EXPECT_EQ(fused->encode("abxyab"), (Ids{4, 0, 4}));
  EXPECT_EQ(fused->encode("xaby z"), (Ids{0, 4, 0, 1, 0}));
  EXPECT_EQ(fused->encode("\xc3\xa9\xe2\x82\xacx"), (Ids{0}));
  model["fuse_unk"] = false;
  const auto single = tokenizer_of(model, nullptr, spaces);
  EXPECT_EQ(single->encode("abxyab"), (Ids{4, 0, 0, 4}));
  EXPECT_EQ(single->encode("\xc3\xa9\xe2\x82\xacx"), (Ids{0, 0, 0}));
  model["fuse_unk"] = "yes";
  EXPECT_THAT(refusal_of(model, nullptr, spaces), HasSubstr("fuse_unk"));
}

TEST(TokenizerJson, RefusesDamagedUnigramVocabularies) {
  json model = kUnigram;
  model["vocab"][3] = json::array({"a", "b"});
  EXPECT_THAT(refusal_of(model, metaspace("always", true)), HasSubstr("model.vocab entry 3 is no token"));
  model = kUnigram;
  model["unk_id"] = 99;
  EXPECT_THAT(refusal_of(model, metaspace("always", true)), HasSubstr("model.unk_id is 99"));
}

}  // namespace
}  // namespace burin::runtime
