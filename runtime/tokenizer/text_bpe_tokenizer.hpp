// SentencePiece's BPE: merges over the characters of a whole text, spaces written as U+2581, bytes that no
// token covers as byte tokens (Kudo & Richardson 2018).
//
// Our own merging, and not libsentencepiece's, because GGUF and llama2.c files and tokenizer.json hold tokens
// with scores or merges, but no SentencePiece model that the library could load. Folders that have
// tokenizer.model use the library (sentencepiece_tokenizer.hpp).
#pragma once

#include <array>
#include <vector>

#include "runtime/tokenizer/merge_table.hpp"
#include "runtime/tokenizer/space_words.hpp"
#include "runtime/tokenizer/token_table.hpp"
#include "runtime/tokenizer/vocabulary_tokenizer.hpp"

namespace burin::runtime {

class TextBpeTokenizer final : public VocabularyTokenizer {
 public:
  enum class Prefix : std::uint8_t { none, every_part, first_part };

  // With `merges` (tokenizer.json), pairs merge as listed; without, any two symbols that form a token do, the
  // one with the highest score first. `fixed` tokens (SentencePiece's user-defined ones) are found in the words and
  // merge with nothing.
  TextBpeTokenizer(Vocabulary vocabulary, SpecialTokens special, std::vector<float> scores, MergeTable merges,
                   Prefix prefix, SpecialTokens fixed = {});

 protected:
  void encode_text(std::string_view text, bool is_first, WordCache& cache) const override;

 private:
  BpeMerge merge_of(const BpeSymbol& left, const BpeSymbol& right) const;
  void append(const BpeSymbol& symbol, std::vector<TokenId>& ids) const;
  void merge(std::string_view text, std::vector<TokenId>& ids) const;
  void encode_word(std::string_view word, std::vector<TokenId>& ids) const;

  TokenTable mergeable_;  // normal tokens
  SpaceWords words_;
  std::array<TokenId, 256> byte_tokens_;
  std::vector<float> scores_;
  MergeTable merges_;
  Prefix prefix_;
  SpecialTokens fixed_;
};

// "<0x0A>" -> 10; -1 for other texts.
int byte_of_token(std::string_view text);
// Decoded bytes of a SentencePiece token: U+2581 is a space, byte tokens are their byte.
std::string sentencepiece_bytes(std::string_view text);

}  // namespace burin::runtime
