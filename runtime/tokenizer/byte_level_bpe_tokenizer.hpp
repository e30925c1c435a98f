// Byte-level BPE: merges over the bytes of words (Radford et al. 2019, GPT-2).
#pragma once

#include <array>

#include "runtime/tokenizer/byte_alphabet.hpp"
#include "runtime/tokenizer/merge_table.hpp"
#include "runtime/tokenizer/normalization.hpp"
#include "runtime/tokenizer/pre_tokenizer.hpp"
#include "runtime/tokenizer/token_table.hpp"
#include "runtime/tokenizer/vocabulary_tokenizer.hpp"

namespace burin::runtime {

class ByteLevelBpeTokenizer final : public VocabularyTokenizer {
 public:
  struct Options {
    bool prefix_space = false;   // a word at the start gets a space in front
    bool ignore_merges = false;  // a word that is a token is that token, whatever the merges
    Normalizer normalizer = {};
  };
  // `merges` are pairs of token texts in the vocabulary's spelling, best first; those whose parts or result
  // are no tokens are passed over, as other readers do. Without merges, any two symbols that form a token
  // merge, the one with the lowest id first (tiktoken's ranks).
  ByteLevelBpeTokenizer(Vocabulary vocabulary, SpecialTokens special, PreTokenizer pre_tokenizer,
                        const std::vector<std::pair<std::string_view, std::string_view>>& merges,
                        Options options);

 protected:
  void encode_text(Part part, WordCache& cache) const override;

 private:
  BpeMerge merge_of(const BpeSymbol& left, const BpeSymbol& right) const;
  void encode_word(std::string_view word, std::vector<TokenId>& ids) const;

  PreTokenizer pre_tokenizer_;
  Options options_;
  TokenTable by_bytes_;  // normal tokens by what they stand for
  std::array<TokenId, 256> byte_tokens_;
  MergeTable merges_;
};

}  // namespace burin::runtime
