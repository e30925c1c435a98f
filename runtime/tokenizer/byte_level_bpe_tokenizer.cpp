#include "runtime/tokenizer/byte_level_bpe_tokenizer.hpp"

#include <cctype>

#include "runtime/tokenizer/composed.hpp"
#include "runtime/tokenizer/word_cache.hpp"

namespace burin::runtime {
namespace {

std::uint64_t pair_key(TokenId left, TokenId right) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
         static_cast<std::uint32_t>(right);
}

}  // namespace

ByteLevelBpeTokenizer::ByteLevelBpeTokenizer(
    Vocabulary vocabulary, SpecialTokens special, PreTokenizer pre_tokenizer,
    const std::vector<std::pair<std::string_view, std::string_view>>& merges, Options options)
    : VocabularyTokenizer(std::move(vocabulary), std::move(special)),
      pre_tokenizer_(std::move(pre_tokenizer)),
      options_(options) {
  const Vocabulary& all = this->vocabulary();
  const TokenMap by_text = all.index();
  by_bytes_.reserve(all.size());
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all.kinds[i] == TokenKind::normal) by_bytes_.emplace(all.bytes[i], static_cast<TokenId>(i));
  for (int byte = 0; byte < 256; ++byte) {
    const auto at = by_bytes_.find(std::string(1, static_cast<char>(byte)));
    byte_tokens_[static_cast<std::size_t>(byte)] = at == by_bytes_.end() ? -1 : at->second;
  }
  merges_.reserve(merges.size());
  double rank = 0;
  for (const auto& [left, right] : merges) {
    const auto l = by_text.find(left);
    const auto r = by_text.find(right);
    const auto whole = by_text.find(std::string(left) + std::string(right));
    ++rank;
    if (l == by_text.end() || r == by_text.end() || whole == by_text.end()) continue;
    merges_.emplace(pair_key(l->second, r->second), BpeMerge{whole->second, rank});
  }
}

BpeMerge ByteLevelBpeTokenizer::merge_of(const BpeSymbol& left, const BpeSymbol& right) const {
  if (merges_.empty()) {
    const auto whole =
        by_bytes_.find(std::string_view(left.text.data(), left.text.size() + right.text.size()));
    if (whole == by_bytes_.end()) return {};
    return {whole->second, static_cast<double>(whole->second)};
  }
  const auto listed = merges_.find(pair_key(left.id, right.id));
  return listed == merges_.end() ? BpeMerge{} : listed->second;
}

void ByteLevelBpeTokenizer::encode_word(std::string_view word, std::vector<TokenId>& ids) const {
  if (options_.ignore_merges || merges_.empty()) {
    const auto whole = by_bytes_.find(word);
    if (whole != by_bytes_.end()) {
      ids.push_back(whole->second);
      return;
    }
  }
  std::vector<BpeSymbol> symbols;
  symbols.reserve(word.size());
  for (std::size_t i = 0; i < word.size(); ++i)
    symbols.push_back({word.substr(i, 1), byte_tokens_[static_cast<unsigned char>(word[i])]});
  merge_symbols(symbols, [this](const BpeSymbol& l, const BpeSymbol& r) { return merge_of(l, r); });
  for (const BpeSymbol& symbol : symbols) {
    if (symbol.id >= 0)
      ids.push_back(symbol.id);
    else if (vocabulary().unknown >= 0)
      ids.push_back(vocabulary().unknown);
  }
}

void ByteLevelBpeTokenizer::encode_text(std::string_view text, bool after_special,
                                        std::vector<TokenId>& ids) const {
  std::string normalized;
  if (options_.compose) text = normalized = composed(text);
  std::string prefixed;
  if (options_.prefix_space && after_special && !std::isspace(static_cast<unsigned char>(text[0]))) {
    prefixed.assign(1, ' ').append(text);
    text = prefixed;
  }
  WordCache cache(ids);
  for (const std::string_view word : pre_tokenizer_.split(text))
    cache.append(word, [&](std::string_view unknown) { encode_word(unknown, ids); });
}

}  // namespace burin::runtime
