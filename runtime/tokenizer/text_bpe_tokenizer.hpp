// SentencePiece's BPE: merges over the characters of a whole text (Kudo & Richardson 2018).
//
// Our own merging, and not libsentencepiece's: GGUF and llama2.c files and tokenizer.json hold tokens with scores or
// merges, but no SentencePiece model that the library could load, and its merges are slower.
#pragma once

#include <vector>

#include "runtime/tokenizer/marked_text_tokenizer.hpp"
#include "runtime/tokenizer/merge_table.hpp"
#include "runtime/tokenizer/token_table.hpp"

namespace burin::runtime {

class TextBpeTokenizer final : public MarkedTextTokenizer {
 public:
  // With `merges` (tokenizer.json), pairs merge as listed; without, any two symbols that form a token do, the
  // one with the highest score first. `fixed` tokens (SentencePiece's user-defined ones) are found in the words and
  // merge with nothing.
  TextBpeTokenizer(Vocabulary vocabulary, SpecialTokens special, std::vector<float> scores, MergeTable merges,
                   Preparation preparation, SpecialTokens fixed = {});

 protected:
  void encode_word(std::string_view marked, std::vector<TokenId>& ids) const override;

 private:
  BpeMerge merge_of(const BpeSymbol& left, const BpeSymbol& right) const;
  void merge(std::string_view text, std::vector<TokenId>& ids) const;

  TokenTable mergeable_;  // normal tokens
  std::vector<float> scores_;
  MergeTable merges_;
  SpecialTokens fixed_;
};

}  // namespace burin::runtime
