#include "runtime/tokenizer/text_bpe_tokenizer.hpp"

#include <algorithm>
#include <charconv>
#include <functional>

#include "runtime/tokenizer/utf8.hpp"

namespace burin::runtime {
namespace {

std::string with_space_marks(std::string_view text) {
  std::string marked;
  for (const char c : text) {
    if (c == ' ')
      marked += kSpaceMark;
    else
      marked += c;
  }
  return marked;
}

}  // namespace

int byte_of_token(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text.back() != '>') return -1;
  int byte = -1;
  const auto [end, error] = std::from_chars(text.data() + 3, text.data() + 5, byte, 16);
  return error == std::errc() && end == text.data() + 5 ? byte : -1;
}

std::string sentencepiece_bytes(std::string_view text) {
  if (const int byte = byte_of_token(text); byte >= 0) return std::string(1, static_cast<char>(byte));
  std::string bytes;
  for (std::size_t i = 0; i < text.size();) {
    if (text.substr(i).starts_with(kSpaceMark)) {
      bytes += ' ';
      i += kSpaceMark.size();
    } else {
      bytes += text[i++];
    }
  }
  return bytes;
}

TextBpeTokenizer::TextBpeTokenizer(Vocabulary vocabulary, SpecialTokens special, std::vector<float> scores,
                                   MergeTable merges, Prefix prefix, SpecialTokens fixed)
    : VocabularyTokenizer(std::move(vocabulary), std::move(special)),
      mergeable_(this->vocabulary().size()),
      scores_(std::move(scores)),
      merges_(std::move(merges)),
      prefix_(prefix),
      fixed_(std::move(fixed)) {
  // Scores that are all alike say nothing (converters write them where they found none); ids are then in the
  // order in which the tokens were learned.
  if (std::adjacent_find(scores_.begin(), scores_.end(), std::not_equal_to<>()) == scores_.end())
    for (std::size_t i = 0; i < scores_.size(); ++i) scores_[i] = -static_cast<float>(i);
  byte_tokens_.fill(-1);
  const Vocabulary& all = this->vocabulary();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const int byte = byte_of_token(all.texts[i]);
    if (all.kinds[i] != TokenKind::special && all.kinds[i] != TokenKind::unused)
      words_.add_token(all.bytes[i]);
    if (all.kinds[i] == TokenKind::byte && byte >= 0)
      byte_tokens_[static_cast<std::size_t>(byte)] = static_cast<TokenId>(i);
    else if (all.kinds[i] == TokenKind::normal || all.kinds[i] == TokenKind::user_defined)
      mergeable_.add(all.texts[i], static_cast<TokenId>(i));
  }
}

BpeMerge TextBpeTokenizer::merge_of(const BpeSymbol& left, const BpeSymbol& right) const {
  if (!merges_.empty()) return merges_.find(left.id, right.id);
  const TokenId whole = mergeable_.find({left.text.data(), left.text.size() + right.text.size()});
  if (whole < 0) return {};
  return {whole, -static_cast<double>(scores_[static_cast<std::size_t>(whole)])};
}

void TextBpeTokenizer::append(const BpeSymbol& symbol, std::vector<TokenId>& ids) const {
  if (symbol.id >= 0) {
    ids.push_back(symbol.id);
    return;
  }
  for (const char c : symbol.text) {
    const TokenId byte = byte_tokens_[static_cast<unsigned char>(c)];
    if (byte >= 0) {
      ids.push_back(byte);
    } else {  // one unknown token for the whole character
      if (vocabulary().unknown >= 0) ids.push_back(vocabulary().unknown);
      return;
    }
  }
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
  for (const BpeSymbol& symbol : symbols) append(symbol, ids);
}

void TextBpeTokenizer::encode_word(std::string_view word, std::vector<TokenId>& ids) const {
  const std::string marked = with_space_marks(word);
  for (const TextPart& part : fixed_.split(marked, false)) {
    if (part.token >= 0)
      ids.push_back(part.token);
    else
      merge(part.text, ids);
  }
}

void TextBpeTokenizer::encode_text(std::string_view text, bool is_first, WordCache& cache) const {
  if (prefix_ == Prefix::every_part || (prefix_ == Prefix::first_part && is_first))
    text = cache.keep(" " + std::string(text));
  words_.each(text, [&](std::string_view word) {
    cache.append(word, [&](std::string_view unknown) { encode_word(unknown, cache.ids()); });
  });
}

}  // namespace burin::runtime
