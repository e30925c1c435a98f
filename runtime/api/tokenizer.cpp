#include "burin/tokenizer.hpp"

#include "runtime/api/states.hpp"
#include "runtime/tokenizer/tokenizer.hpp"

namespace burin {

Tokenizer::Tokenizer(std::shared_ptr<const runtime::Tokenizer> shared) noexcept
    : shared_(std::move(shared)) {}
Tokenizer::Tokenizer(const Tokenizer&) noexcept = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(const Tokenizer&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Result<Tokenizer> Tokenizer::load(std::string_view path) noexcept {
  return api::guarded<Tokenizer>(ErrorCode::load_failed,
                                 [&] { return Tokenizer(runtime::Tokenizer::open(std::string(path))); });
}

Result<std::vector<TokenId>> Tokenizer::encode(std::string_view text,
                                               const EncodeOptions& options) const noexcept {
  return api::guarded<std::vector<TokenId>>(ErrorCode::failed, [&] {
    return api::deref(shared_, "tokenizer").encode(text, {options.add_special, options.parse_special});
  });
}

Result<std::string> Tokenizer::decode(std::span<const TokenId> tokens, bool special) const noexcept {
  return api::guarded<std::string>(ErrorCode::invalid_argument,
                                   [&] { return api::deref(shared_, "tokenizer").decode(tokens, special); });
}

Result<std::string_view> Tokenizer::token_bytes(TokenId token, bool special) const noexcept {
  return api::guarded<std::string_view>(ErrorCode::invalid_argument, [&] {
    return api::deref(shared_, "tokenizer").token_bytes(token, special);
  });
}

std::size_t Tokenizer::vocabulary_size() const noexcept { return shared_ ? shared_->vocabulary_size() : 0; }
TokenId Tokenizer::begin_of_text() const noexcept { return shared_ ? shared_->bos() : -1; }
bool Tokenizer::ends_text(TokenId token) const noexcept {
  return shared_ && shared_->is_end_of_generation(token);
}

}  // namespace burin
