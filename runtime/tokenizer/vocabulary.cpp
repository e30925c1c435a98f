#include "runtime/tokenizer/vocabulary.hpp"

#include <algorithm>

#include "jit/error.hpp"

namespace burin::runtime {
namespace {

constexpr std::string_view kEndNames[] = {"<|eot_id|>", "<|im_end|>",    "<|endoftext|>",   "<|end|>",
                                          "<|eom_id|>", "<end_of_turn>", "<|end_of_text|>", "<EOT>"};

}  // namespace

void Vocabulary::add(std::string text, std::string decoded, TokenKind kind) {
  texts.push_back(std::move(text));
  bytes.push_back(std::move(decoded));
  kinds.push_back(kind);
}

void Vocabulary::add_beyond(std::vector<SpecialToken> added) {
  std::sort(added.begin(), added.end(),
            [](const SpecialToken& a, const SpecialToken& b) { return a.id < b.id; });
  for (const SpecialToken& token : added) {
    const auto id = static_cast<std::size_t>(token.id);
    if (id < size()) continue;
    if (id > 2 * size() + 1024)
      fail("{}: added token '{}' has id {}: implausible after {} tokens", path, token.text, token.id, size());
    while (size() < id) add("", "", TokenKind::unused);
    add(token.text, token.text, token.always ? TokenKind::user_defined : TokenKind::special);
  }
}

TokenId Vocabulary::checked(std::int64_t id, std::string_view field) const {
  if (id < 0 || id >= static_cast<std::int64_t>(size()))
    fail("{}: {} is {}: the vocabulary has ids 0 to {}", path, field, id,
         static_cast<std::int64_t>(size()) - 1);
  return static_cast<TokenId>(id);
}

TokenMap Vocabulary::index() const {
  TokenMap map;
  map.reserve(size());
  for (std::size_t i = 0; i < size(); ++i) map.emplace(texts[i], static_cast<TokenId>(i));
  return map;
}

void Vocabulary::find_ends(const std::set<std::int64_t>& ids) {
  if (eos >= 0) ends.insert(eos);
  for (const std::int64_t id : ids)
    if (id >= 0 && id < static_cast<std::int64_t>(size())) ends.insert(static_cast<TokenId>(id));
  for (std::size_t i = 0; i < size(); ++i)
    if (kinds[i] != TokenKind::normal &&
        std::find(std::begin(kEndNames), std::end(kEndNames), texts[i]) != std::end(kEndNames))
      ends.insert(static_cast<TokenId>(i));
}

}  // namespace burin::runtime
