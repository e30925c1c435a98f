// SentencePiece models that are damaged where libsentencepiece does not look. Tables of characters:
// tests/tokenizer/character_map_test.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/mutations.hpp"
#include "tests/support/refusal.hpp"
#include "tests/support/sentencepiece_writer.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/use_model.hpp"

namespace burin::tests {
namespace {

class HostileSentencePiece : public testing::Test {
 protected:
  // Empty where the model can be used.
  std::string refusal(const std::string& model) const {
    const std::filesystem::path path = folder_.write("tokenizer.model", model);
    try {
      use_tokenizer(*runtime::Tokenizer::open(path));
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  void expect_refused(const std::string& model, const char* why) const {
    EXPECT_THAT(refusal(model), says(folder_ / "tokenizer.model", {"is no SentencePiece model", why}));
  }

  const TemporaryFolder folder_;
};

TEST_F(HostileSentencePiece, PiecesHaveNoZeroBytes) {
  using namespace std::string_literals;
  SentencePieceWriter model;
  model.kind = SentencePieceKind::unigram;
  EXPECT_EQ(refusal(model.bytes()), "");
  model.pieces.push_back({"\0abc"s, -1, 1});
  expect_refused(model.bytes(), "zero-length key");
}

// The library skips what it does not know in more ways than we do: tables behind that would go unchecked.
TEST_F(HostileSentencePiece, IsUnderstoodToItsEnd) {
  const std::string group = "\xa3\x06\xa4\x06";  // begin and end of an unknown group
  expect_refused(SentencePieceWriter().bytes() + group, "a message in it is damaged");
  expect_refused(SentencePieceWriter().bytes() + proto_bytes(3, group), "a message in it is damaged");
}

TEST_F(HostileSentencePiece, Mutants) {
  constexpr int kMutants = 400;
  SentencePieceWriter model;
  model.kind = SentencePieceKind::unigram;
  model.character_map = CharacterMapWriter().bytes();
  Mutator mutator(model.bytes(), 1 << 20, FileKind::binary, 1);
  int refused = 0;
  for (int i = 0; i < kMutants; ++i) {
    const std::string why = refusal(mutator.next());
    EXPECT_TRUE(why.empty() || is_one_line(why)) << why;
    refused += why.empty() ? 0 : 1;
  }
  EXPECT_GT(refused, kMutants / 4);
}

}  // namespace
}  // namespace burin::tests
