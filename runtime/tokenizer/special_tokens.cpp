#include "runtime/tokenizer/special_tokens.hpp"

#include <algorithm>

#include "runtime/tokenizer/characters.hpp"
#include "runtime/tokenizer/normalization.hpp"

namespace burin::runtime {
namespace {

bool stands_alone(std::string_view before, std::string_view after) {
  return (before.empty() || !is_word_character(code_point(last_character(before)))) &&
         (after.empty() || !is_word_character(code_point(first_character(after))));
}

}  // namespace

SpecialTokens SpecialTokens::of(const Vocabulary& vocabulary) {
  SpecialTokens tokens;
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    const TokenKind kind = vocabulary.kinds[i];
    if (kind == TokenKind::special || kind == TokenKind::user_defined)
      tokens.add({vocabulary.texts[i], static_cast<TokenId>(i), kind == TokenKind::user_defined});
  }
  return tokens;
}

void SpecialTokens::add(SpecialToken token) {
  if (token.text.empty()) return;
  has_any_ = true;
  const auto first = static_cast<unsigned char>(token.text[0]);
  if (token.text.size() == 1)
    second_bytes_[first].set();
  else
    second_bytes_[first].set(static_cast<unsigned char>(token.text[1]));
  std::vector<SpecialToken>& bucket = by_first_byte_[first];
  std::erase_if(bucket, [&](const SpecialToken& known) { return known.text == token.text; });
  const auto at = std::find_if(bucket.begin(), bucket.end(), [&](const SpecialToken& known) {
    return known.text.size() < token.text.size();
  });
  bucket.insert(at, std::move(token));
}

const SpecialToken* SpecialTokens::match(std::string_view text, bool special) const {
  const auto first = static_cast<unsigned char>(text[0]);
  if (text.size() > 1 && !second_bytes_[first][static_cast<unsigned char>(text[1])]) return nullptr;
  for (const SpecialToken& token : by_first_byte_[first])
    if ((special || token.always) && text.starts_with(token.text)) return &token;
  return nullptr;
}

std::vector<TextPart> SpecialTokens::split(std::string_view text, bool special) const {
  std::vector<TextPart> parts;
  std::size_t begin = 0;
  const auto add_text = [&](std::size_t end, bool strip) {
    std::string_view part = text.substr(begin, end - begin);
    if (strip) part = stripped(part, false, true);
    if (!part.empty()) parts.push_back({part, -1});
  };
  for (std::size_t at = 0; has_any_ && at < text.size();) {
    const SpecialToken* token = match(text.substr(at), special);
    if (token == nullptr) {
      ++at;
      continue;
    }
    if (token->single_word && !stands_alone(text.substr(0, at), text.substr(at + token->text.size()))) {
      at += token->text.size();
      continue;
    }
    add_text(at, token->strip_left);
    parts.push_back({text.substr(at, token->text.size()), token->id});
    std::string_view rest = text.substr(at + token->text.size());
    if (token->strip_right) rest = stripped(rest, true, false);
    begin = at = text.size() - rest.size();
  }
  add_text(text.size(), false);
  return parts;
}

}  // namespace burin::runtime
