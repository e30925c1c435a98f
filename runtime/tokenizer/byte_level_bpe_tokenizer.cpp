#include "runtime/tokenizer/byte_level_bpe_tokenizer.hpp"

namespace burin::runtime {
ByteLevelBpeTokenizer::ByteLevelBpeTokenizer(
    Vocabulary vocabulary, SpecialTokens special, PreTokenizer pre_tokenizer,
    const std::vector<std::pair<std::string_view, std::string_view>>& merges, Options options)
    : VocabularyTokenizer(std::move(vocabulary), std::move(special)),
      pre_tokenizer_(std::move(pre_tokenizer)),
      options_(std::move(options)),
      by_bytes_(this->vocabulary().size()),
      merges_(merges.size()) {
  const Vocabulary& all = this->vocabulary();
  const TokenMap by_text = all.index();
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all.kinds[i] == TokenKind::normal) by_bytes_.add(all.bytes[i], static_cast<TokenId>(i));
  for (int byte = 0; byte < 256; ++byte) {
    const auto c = static_cast<char>(byte);
    byte_tokens_[static_cast<std::size_t>(byte)] = by_bytes_.find({&c, 1});
  }
  double rank = 0;
  for (const auto& [left, right] : merges) {
    const auto l = by_text.find(left);
    const auto r = by_text.find(right);
    const auto whole = by_text.find(std::string(left) + std::string(right));
    ++rank;
    if (l == by_text.end() || r == by_text.end() || whole == by_text.end()) continue;
    merges_.add(l->second, r->second, {whole->second, rank});
  }
}

BpeMerge ByteLevelBpeTokenizer::merge_of(const BpeSymbol& left, const BpeSymbol& right) const {
  if (merges_.empty()) {
    const TokenId whole = by_bytes_.find({left.text.data(), left.text.size() + right.text.size()});
    return {whole, static_cast<double>(whole)};
  }
  return merges_.find(left.id, right.id);
}

void ByteLevelBpeTokenizer::encode_word(std::string_view word, std::vector<TokenId>& ids) const {
  if (options_.ignore_merges || merges_.empty()) {
    if (const TokenId whole = by_bytes_.find(word); whole >= 0) return ids.push_back(whole);
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

void ByteLevelBpeTokenizer::encode_text(Part part, WordCache& cache) const {
  std::string_view text = part.text;
  if (!options_.normalizer.empty()) text = cache.keep(normalized(options_.normalizer, text));
  if (text.empty()) return;
  if (options_.prefix_space && text[0] != ' ') text = cache.keep(" " + std::string(text));
  pre_tokenizer_.each_piece(text, [&](std::string_view piece) {
    cache.append(piece, [&](std::string_view unknown) {
      pre_tokenizer_.each_word(unknown, [&](std::string_view word) { encode_word(word, cache.ids()); });
    });
  });
}

}  // namespace burin::runtime
