#include "runtime/tokenizer/text_bpe_tokenizer.hpp"

#include <algorithm>
#include <functional>

#include "runtime/tokenizer/utf8.hpp"

namespace burin::runtime {

TextBpeTokenizer::TextBpeTokenizer(Vocabulary vocabulary, SpecialTokens special, std::vector<float> scores,
                                   MergeTable merges, Preparation preparation, SpecialTokens fixed)
    : MarkedTextTokenizer(std::move(vocabulary), std::move(special), std::move(preparation)),
      mergeable_(this->vocabulary().size()),
      scores_(std::move(scores)),
      merges_(std::move(merges)),
      fixed_(std::move(fixed)) {
  // Scores that are all alike say nothing (converters write them where they found none); ids are then in the
  // order in which the tokens were learned.
  if (std::adjacent_find(scores_.begin(), scores_.end(), std::not_equal_to<>()) == scores_.end())
    for (std::size_t i = 0; i < scores_.size(); ++i) scores_[i] = -static_cast<float>(i);
  const Vocabulary& all = this->vocabulary();
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all.kinds[i] == TokenKind::normal || all.kinds[i] == TokenKind::user_defined)
      mergeable_.add(all.texts[i], static_cast<TokenId>(i));
}

BpeMerge TextBpeTokenizer::merge_of(const BpeSymbol& left, const BpeSymbol& right) const {
  if (!merges_.empty()) return merges_.find(left.id, right.id);
  const TokenId whole = mergeable_.find({left.text.data(), left.text.size() + right.text.size()});
  if (whole < 0) return {};
  return {whole, -static_cast<double>(scores_[static_cast<std::size_t>(whole)])};
}

void TextBpeTokenizer::merge(std::string_view text, std::vector<TokenId>& ids) const {
  std::vector<BpeSymbol> symbols;
  symbols.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view character = text.substr(at, utf8_step(text.substr(at)).length);
    symbols.push_back({character, mergeable_.find(character)});
    at += character.size();
  }
  merge_symbols(symbols, [this](const BpeSymbol& l, const BpeSymbol& r) { return merge_of(l, r); });
  bool behind_unknown = false;
  for (const BpeSymbol& symbol : symbols) {
    const std::size_t before = ids.size();
    if (symbol.id >= 0)
      ids.push_back(symbol.id);
    else
      append_uncovered(symbol.text, ids);
    const bool is_unknown = symbol.id < 0 && ids.size() == before + 1 && ids.back() == vocabulary().unknown;
    if (is_unknown && behind_unknown && vocabulary().fuses_unknown) ids.pop_back();
    behind_unknown = is_unknown;
  }
}

void TextBpeTokenizer::encode_word(std::string_view marked, std::vector<TokenId>& ids) const {
  for (const TextPart& part : fixed_.split(marked, false)) {
    if (part.token >= 0)
      ids.push_back(part.token);
    else
      merge(part.text, ids);
  }
}

}  // namespace burin::runtime
