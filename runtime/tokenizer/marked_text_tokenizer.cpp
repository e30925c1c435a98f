#include "runtime/tokenizer/marked_text_tokenizer.hpp"

#include <charconv>

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

MarkedTextTokenizer::MarkedTextTokenizer(Vocabulary vocabulary, SpecialTokens special,
                                         Preparation preparation)
    : VocabularyTokenizer(std::move(vocabulary), std::move(special)),
      preparation_(std::move(preparation)),
      words_(preparation_.cut_every_space) {
  byte_tokens_.fill(-1);
  const Vocabulary& all = this->vocabulary();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all.kinds[i] == TokenKind::special || all.kinds[i] == TokenKind::unused) continue;
    words_.add_token(all.bytes[i]);
    const int byte = byte_of_token(all.texts[i]);
    if (all.kinds[i] == TokenKind::byte && byte >= 0)
      byte_tokens_[static_cast<std::size_t>(byte)] = static_cast<TokenId>(i);
  }
}

std::string MarkedTextTokenizer::Preparation::prepared(std::string_view text, bool is_first) const {
  std::string result = normalized(normalizer, text);
  if (result.empty()) return result;
  const bool has_space = missing_prefix_only && (result.starts_with(' ') || result.starts_with(kSpaceMark));
  if (!has_space && (prefix == Prefix::every_part || (prefix == Prefix::first_part && is_first)))
    result.insert(result.begin(), ' ');
  return result;
}

void MarkedTextTokenizer::encode_text(Part part, WordCache& cache) const {
  const std::string_view prepared = cache.keep(preparation_.prepared(part.text, part.is_first));
  for (const TextPart& found : preparation_.prepared_tokens.split(prepared, part.parse_special)) {
    if (found.token >= 0)
      cache.ids().push_back(found.token);
    else
      encode_words(found.text, cache);
  }
}

void MarkedTextTokenizer::encode_words(std::string_view text, WordCache& cache) const {
  words_.each(text, [&](std::string_view word) {
    cache.append(word,
                 [&](std::string_view unknown) { encode_word(with_space_marks(unknown), cache.ids()); });
  });
}

void MarkedTextTokenizer::append_uncovered(std::string_view text, std::vector<TokenId>& ids) const {
  for (const char c : text) {
    const TokenId byte = byte_tokens_[static_cast<unsigned char>(c)];
    if (byte >= 0) {
      ids.push_back(byte);
    } else {
      if (vocabulary().unknown >= 0) ids.push_back(vocabulary().unknown);
      return;
    }
  }
}

}  // namespace burin::runtime
