// What SentencePiece's kinds of tokenizers share: spaces written as U+2581, one in front of the text, words encoded by
// themselves, byte tokens for what no other token covers.
#pragma once

#include <array>

#include "runtime/tokenizer/normalization.hpp"
#include "runtime/tokenizer/space_words.hpp"
#include "runtime/tokenizer/vocabulary_tokenizer.hpp"

namespace burin::runtime {

class MarkedTextTokenizer : public VocabularyTokenizer {
 public:
  enum class Prefix : std::uint8_t { none, every_part, first_part };

  // How a text is prepared. Where two names stand, they are Hugging Face's for components and their fields.
  struct Preparation {
    Prefix prefix = Prefix::every_part;
    bool missing_prefix_only = false;  // none in front of a space (Metaspace; Prepend adds one all the same)
    bool cut_every_space = false;      // Metaspace's split: no token goes over a space
    Normalizer normalizer;
    SpecialTokens prepared_tokens;  // those that are found in prepared texts, and written so

    // Normalised, with the space in front; spaces are still spaces.
    std::string prepared(std::string_view text, bool is_first) const;
  };

 protected:
  MarkedTextTokenizer(Vocabulary vocabulary, SpecialTokens special, Preparation preparation);

  void encode_text(Part part, WordCache& cache) const final;
  virtual void encode_word(std::string_view marked, std::vector<TokenId>& ids) const = 0;
  // Of a text that no token covers: its bytes' tokens, or one unknown token for all of it.
  void append_uncovered(std::string_view text, std::vector<TokenId>& ids) const;

 private:
  void encode_words(std::string_view text, WordCache& cache) const;

  Preparation preparation_;
  SpaceWords words_;
  std::array<TokenId, 256> byte_tokens_;
};

// "<0x0A>" -> 10; -1 for other texts.
int byte_of_token(std::string_view text);
// Decoded bytes of a SentencePiece token: U+2581 is a space, byte tokens are their byte.
std::string sentencepiece_bytes(std::string_view text);

}  // namespace burin::runtime
