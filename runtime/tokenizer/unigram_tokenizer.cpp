#include "runtime/tokenizer/unigram_tokenizer.hpp"

#include <algorithm>
#include <limits>

#include "runtime/tokenizer/characters.hpp"

namespace burin::runtime {
namespace {

// As SentencePiece and Hugging Face's tokenizers have it: below the least probable token.
constexpr double kUnknownPenalty = 10;

}  // namespace

// The best way to a place in the text: its last token and where that begins.
struct UnigramTokenizer::Step {
  double score = -std::numeric_limits<double>::infinity();
  std::size_t begin = 0;
  TokenId id = -1;  // -1: an unknown character
};

UnigramTokenizer::UnigramTokenizer(Vocabulary vocabulary, SpecialTokens special, std::vector<double> scores,
                                   Preparation preparation)
    : MarkedTextTokenizer(std::move(vocabulary), std::move(special), std::move(preparation)),
      tokens_(this->vocabulary().size()),
      scores_(std::move(scores)),
      unknown_score_(scores_.empty() ? 0
                                     : *std::min_element(scores_.begin(), scores_.end()) - kUnknownPenalty) {
  const Vocabulary& all = this->vocabulary();
  for (std::size_t i = 0; i < scores_.size(); ++i) {
    if (all.kinds[i] != TokenKind::normal) continue;
    tokens_.add(all.texts[i], static_cast<TokenId>(i));
    longest_ = std::max(longest_, all.texts[i].size());
  }
}

// For the places behind each byte; those within characters are never reached.
std::vector<UnigramTokenizer::Step> UnigramTokenizer::best_steps(std::string_view text) const {
  std::vector<Step> best(text.size() + 1);
  best[0].score = 0;
  for (std::size_t at = 0, next = 0; at < text.size(); at = next) {
    const std::string_view rest = text.substr(at);
    const std::size_t character = first_character(rest).size();
    next = at + character;
    bool is_known = false;
    const auto offer = [&](std::size_t length, TokenId id, double score) {
      Step& step = best[at + length];
      if (best[at].score + score > step.score) step = {best[at].score + score, at, id};
    };
    for (std::size_t length = 1; length <= std::min(longest_, rest.size()); ++length) {
      const TokenId id = tokens_.find(rest.substr(0, length));
      if (id < 0) continue;
      offer(length, id, scores_[static_cast<std::size_t>(id)]);
      is_known |= length == character;
    }
    if (!is_known) offer(character, -1, unknown_score_);
  }
  return best;
}

void UnigramTokenizer::encode_word(std::string_view marked, std::vector<TokenId>& ids) const {
  const std::vector<Step> best = best_steps(marked);
  std::vector<std::size_t> ends;  // of tokens, from the last one
  for (std::size_t at = marked.size(); at > 0; at = best[at].begin) ends.push_back(at);
  std::size_t unknown = 0;  // bytes of unknown characters in a row: one token, or that of each byte
  const auto append_unknown = [&](std::size_t end) {
    if (unknown > 0) append_uncovered(marked.substr(end - unknown, unknown), ids);
    unknown = 0;
  };
  for (auto end = ends.rbegin(); end != ends.rend(); ++end) {
    const Step& step = best[*end];
    if (step.id < 0) {
      unknown += *end - step.begin;
      continue;
    }
    append_unknown(step.begin);
    ids.push_back(step.id);
  }
  append_unknown(marked.size());
}

}  // namespace burin::runtime
