#include "runtime/sampling/grammar/token_texts.hpp"

#include <algorithm>

namespace burin::runtime {
namespace {

std::uint32_t shared_bytes(std::string_view a, std::string_view b) {
  const std::size_t most = std::min(a.size(), b.size());
  std::size_t count = 0;
  while (count < most && a[count] == b[count]) ++count;
  return static_cast<std::uint32_t>(count);
}

}  // namespace

TokenTexts::TokenTexts(const Tokenizer& tokenizer) {
  const auto count = static_cast<TokenId>(tokenizer.vocabulary_size());
  begins_.reserve(tokenizer.vocabulary_size() + 1);
  for (TokenId token = 0; token < count; ++token) {
    begins_.push_back(static_cast<std::uint32_t>(bytes_.size()));
    if (tokenizer.is_end_of_generation(token)) {
      ends_.push_back(token);
      continue;
    }
    const std::string_view bytes = tokenizer.token_bytes(token);
    bytes_ += bytes;
    longest_ = std::max(longest_, bytes.size());
    if (!bytes.empty()) order_.push_back({token, 0});
  }
  begins_.push_back(static_cast<std::uint32_t>(bytes_.size()));
  std::sort(order_.begin(), order_.end(),
            [this](const Entry& a, const Entry& b) { return bytes(a.token) < bytes(b.token); });
  for (std::size_t i = 1; i < order_.size(); ++i)
    order_[i].shared = shared_bytes(bytes(order_[i - 1].token), bytes(order_[i].token));
}

std::string_view TokenTexts::bytes(TokenId token) const {
  const auto at = static_cast<std::size_t>(token);
  if (at >= size()) return {};
  return std::string_view(bytes_).substr(begins_[at], begins_[at + 1] - begins_[at]);
}

std::shared_ptr<const TokenTexts> SharedTokenTexts::of(const Tokenizer& tokenizer) const {
  std::call_once(once_, [&] { texts_ = std::make_shared<TokenTexts>(tokenizer); });
  return texts_;
}

bool TokenTexts::is_end(TokenId token) const { return std::binary_search(ends_.begin(), ends_.end(), token); }

}  // namespace burin::runtime
