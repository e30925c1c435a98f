// Unigram language models over tokens: of all ways to cut a word, the one whose tokens are most probable together
// (Kudo 2018, "Subword Regularization"; found by Viterbi's algorithm).
#pragma once

#include <vector>

#include "runtime/tokenizer/marked_text_tokenizer.hpp"
#include "runtime/tokenizer/token_table.hpp"

namespace burin::runtime {

class UnigramTokenizer final : public MarkedTextTokenizer {
 public:
  // `scores`: logarithms of the tokens' probabilities.
  UnigramTokenizer(Vocabulary vocabulary, SpecialTokens special, std::vector<double> scores,
                   Preparation preparation);

 protected:
  void encode_word(std::string_view marked, std::vector<TokenId>& ids) const override;

 private:
  struct Step;
  std::vector<Step> best_steps(std::string_view text) const;

  TokenTable tokens_;
  std::vector<double> scores_;
  double unknown_score_;  // of a character that no token is
  std::size_t longest_ = 1;
};

}  // namespace burin::runtime
