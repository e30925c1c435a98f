// What all tokenizers share: special tokens around the encoding of plain text, and decoding.
#pragma once

#include "runtime/tokenizer/special_tokens.hpp"
#include "runtime/tokenizer/tokenizer.hpp"
#include "runtime/tokenizer/vocabulary.hpp"
#include "runtime/tokenizer/word_cache.hpp"

namespace burin::runtime {

class VocabularyTokenizer : public Tokenizer {
 public:
  VocabularyTokenizer(Vocabulary vocabulary, SpecialTokens special)
      : vocabulary_(std::move(vocabulary)), special_(std::move(special)) {}

  std::vector<TokenId> encode(std::string_view text, EncodeOptions options) const override;
  std::string_view token_bytes(TokenId id, bool special) const override;
  std::string decode(std::span<const TokenId> ids, bool special) const override;
  std::size_t vocabulary_size() const override { return vocabulary_.size(); }
  TokenId bos() const override { return vocabulary_.bos; }
  TokenId eos() const override { return vocabulary_.eos; }
  bool is_end_of_generation(TokenId id) const override { return vocabulary_.ends.contains(id); }
  bool adds_bos() const override { return vocabulary_.add_bos && vocabulary_.bos >= 0; }
  std::vector<TokenId> beginning() const override {
    return vocabulary_.beginning.empty() ? Tokenizer::beginning() : vocabulary_.beginning;
  }
  bool adds_space_prefix() const override { return vocabulary_.space_prefix; }

 protected:
  struct Part {
    std::string_view text;
    bool is_first = false;       // the whole text begins with it
    bool parse_special = false;  // as EncodeOptions have it
  };
  // Appends the ids of a part between special tokens to the cache's list.
  virtual void encode_text(Part part, WordCache& cache) const = 0;
  const Vocabulary& vocabulary() const { return vocabulary_; }

 private:
  Vocabulary vocabulary_;
  SpecialTokens special_;
};

}  // namespace burin::runtime
