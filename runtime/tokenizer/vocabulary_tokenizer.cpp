#include "runtime/tokenizer/vocabulary_tokenizer.hpp"

#include "jit/error.hpp"

namespace burin::runtime {

std::vector<TokenId> VocabularyTokenizer::encode(std::string_view text, EncodeOptions options) const {
  std::vector<TokenId> ids;
  if (options.add_special) ids = beginning();
  WordCache cache(ids);
  for (const TextPart& part : special_.split(text, options.parse_special)) {
    if (part.token >= 0)
      ids.push_back(part.token);
    else
      encode_text({part.text, part.text.data() == text.data(), options.parse_special}, cache);
  }
  if (options.add_special && vocabulary_.add_eos && vocabulary_.eos >= 0) ids.push_back(vocabulary_.eos);
  return ids;
}

std::string_view VocabularyTokenizer::token_bytes(TokenId id, bool special) const {
  if (id < 0 || static_cast<std::size_t>(id) >= vocabulary_.size())
    fail("{}: token id {} is outside the vocabulary: ids are 0 to {}", vocabulary_.path, id,
         static_cast<std::int64_t>(vocabulary_.size()) - 1);
  const auto at = static_cast<std::size_t>(id);
  if (vocabulary_.kinds[at] == TokenKind::special || vocabulary_.kinds[at] == TokenKind::unused)
    return special ? std::string_view(vocabulary_.texts[at]) : std::string_view();
  return vocabulary_.bytes[at];
}

std::string VocabularyTokenizer::decode(std::span<const TokenId> ids, bool special) const {
  std::string text;
  bool drop_space = vocabulary_.space_prefix;
  for (const TokenId id : ids) {
    std::string_view piece = token_bytes(id, special);
    if (drop_space && !piece.empty()) {
      if (piece.front() == ' ') piece.remove_prefix(1);
      drop_space = false;
    }
    text += piece;
  }
  return text;
}

}  // namespace burin::runtime
