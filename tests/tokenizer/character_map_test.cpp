// SentencePiece models that replace characters: used as they say, and refused where a lookup would leave the table.
#include "runtime/tokenizer/character_map.hpp"

#include <gmock/gmock.h>

#include "runtime/tokenizer/tokenizer.hpp"
#include "tests/support/refusal.hpp"
#include "tests/support/sentencepiece_writer.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::runtime {
namespace {

using tests::CharacterMapWriter;
using tests::SentencePieceWriter;
using Map = CharacterMapWriter;

class CharacterMap : public testing::Test {
 protected:
  std::unique_ptr<Tokenizer> load(const std::string& model) const {
    return Tokenizer::open(folder_.write("tokenizer.model", model));
  }
  std::unique_ptr<Tokenizer> with_map(const std::string& map) const {
    SentencePieceWriter model;
    model.character_map = map;
    return load(model.bytes());
  }
  void expect_refused(const std::string& map, const char* why) const {
    EXPECT_THAT(tests::refusal_of([&] { with_map(map); }),
                tests::says(folder_ / "tokenizer.model", {"precompiled_charsmap", why, "damaged"}));
  }

  const tests::TemporaryFolder folder_;
};

TEST_F(CharacterMap, ReplacesCharacters) {
  const auto tokenizer = with_map(Map().bytes());
  EXPECT_EQ(tokenizer->encode("A cAn"), tokenizer->encode("a can"));
  EXPECT_NE(tokenizer->encode("Be"), tokenizer->encode("be"));
}

TEST_F(CharacterMap, LeadsNowhereElse) {
  Map map;
  map.units[Map::kLetter] = Map::unit(Map::kLetter, 512, 'A');
  expect_refused(map.bytes(), "leads to 512 of 512");
  map = Map();
  map.units[Map::kRoot] = Map::unit(Map::kRoot, 1 << 20, 0);
  expect_refused(map.bytes(), "leads to 1048576 of 512");
}

TEST_F(CharacterMap, ReplacementsAreThere) {
  Map map;
  map.units[Map::kValue] = Map::kIsValue | 2;
  expect_refused(map.bytes(), "a replacement at 2: there are 2 bytes");
  map = Map();
  map.texts = "a";
  expect_refused(map.bytes(), "a replacement without an end");
}

TEST_F(CharacterMap, UnitsDoNotLeadToThemselves) {
  Map map;
  map.units[Map::kLetter] = Map::unit(Map::kLetter, Map::kChildren, 'A');
  expect_refused(map.bytes(), "lead to themselves");
}

// "A", "AA", "AAA" ...: the library has room for 32 keys that begin the same text.
std::string keys_of_one_beginning(std::uint32_t count) {
  constexpr std::uint32_t kBlock = 256;
  Map map;
  map.units.assign((count + 2) * kBlock, Map::kUnused);
  map.units[Map::kRoot] = Map::unit(Map::kRoot, kBlock, 0);
  for (std::uint32_t key = 1; key <= count; ++key) {
    const std::uint32_t index = key * kBlock ^ 'A';
    const std::uint32_t children = (key + 1) * kBlock;
    map.units[index] = Map::unit(index, children, 'A') | Map::kEndsKey;
    map.units[children] = Map::kIsValue | 0;
  }
  return map.bytes();
}

TEST_F(CharacterMap, KeysOfOneBeginningAreFew) {
  const std::string text(40, 'A');
  EXPECT_EQ(with_map(keys_of_one_beginning(32))->encode(text).size(), with_map("")->encode("aa").size());
  expect_refused(keys_of_one_beginning(33), "more than 32 keys of one beginning");
  expect_refused(keys_of_one_beginning(1100), "a key of more than 1024 bytes");
}

TEST_F(CharacterMap, LengthsAreRight) {
  const std::string good = Map().bytes();
  for (const std::uint32_t length : {0u, 2u, 2046u, 2050u, 2052u, 0xfffffffcu})
    expect_refused(tests::value_bytes(length) + good.substr(4), "has a table of");
  expect_refused("abc", "is cut off");
}

TEST_F(CharacterMap, OfDecodingToo) {
  SentencePieceWriter model;
  model.decoding_map = Map().bytes().substr(0, 100);
  EXPECT_THAT(tests::refusal_of([&] { load(model.bytes()); }),
              tests::says(folder_ / "tokenizer.model", {"precompiled_charsmap has a table of 2048 bytes"}));
}

}  // namespace
}  // namespace burin::runtime
