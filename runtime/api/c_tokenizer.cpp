#include "runtime/api/c_support.hpp"

using namespace burin;
using namespace burin::api;

namespace {

// Writes `items` and their count to the caller's buffer, or the count alone where they do not fit with `extra`
// places more.
template <typename T>
void copy_out(std::span<const T> items, std::size_t extra, T* buffer, std::size_t capacity,
              std::size_t* count) {
  not_null(count, "count");
  *count = items.size();
  if (items.size() + extra > capacity)
    refuse(kBufferTooSmall, "buffer: has room for {}: {} are needed", capacity, items.size() + extra);
  if (items.size() + extra > 0) not_null(buffer, "buffer");
  std::copy(items.begin(), items.end(), buffer);
}

}  // namespace

burin_status burin_tokenizer_load(const char* path, burin_tokenizer** tokenizer) {
  return c_call([&] {
    not_null(path, "path");
    not_null(tokenizer, "tokenizer");
    *tokenizer = new burin_tokenizer{value_or_throw(Tokenizer::load(path))};
  });
}

void burin_tokenizer_free(burin_tokenizer* tokenizer) { delete tokenizer; }

size_t burin_tokenizer_vocabulary_size(const burin_tokenizer* tokenizer) {
  return tokenizer == nullptr ? 0 : tokenizer->tokenizer.vocabulary_size();
}

burin_token burin_tokenizer_begin_of_text(const burin_tokenizer* tokenizer) {
  return tokenizer == nullptr ? -1 : tokenizer->tokenizer.begin_of_text();
}

int32_t burin_tokenizer_ends_text(const burin_tokenizer* tokenizer, burin_token token) {
  return tokenizer != nullptr && tokenizer->tokenizer.ends_text(token) ? 1 : 0;
}

burin_status burin_tokenizer_encode(const burin_tokenizer* tokenizer, const char* text, size_t length,
                                    int32_t add_special, int32_t parse_special, burin_token* tokens,
                                    size_t capacity, size_t* count) {
  return c_call([&] {
    const Tokenizer& shared = not_null(tokenizer, "tokenizer").tokenizer;
    const std::span<const char> bytes = array_of(text, length, "text");
    const std::vector<TokenId> ids =
        value_or_throw(shared.encode({bytes.data(), bytes.size()},
                                     {.add_special = add_special != 0, .parse_special = parse_special != 0}));
    copy_out<TokenId>(ids, 0, tokens, capacity, count);
  });
}

burin_status burin_tokenizer_decode(const burin_tokenizer* tokenizer, const burin_token* tokens, size_t count,
                                    int32_t special, char* text, size_t capacity, size_t* length) {
  return c_call([&] {
    const Tokenizer& shared = not_null(tokenizer, "tokenizer").tokenizer;
    const std::string decoded =
        value_or_throw(shared.decode(array_of(tokens, count, "tokens"), special != 0));
    copy_out<char>(decoded, 1, text, capacity, length);
    text[decoded.size()] = '\0';
  });
}

burin_status burin_tokenizer_token_bytes(const burin_tokenizer* tokenizer, burin_token token, int32_t special,
                                         const char** bytes, size_t* length) {
  return c_call([&] {
    const Tokenizer& shared = not_null(tokenizer, "tokenizer").tokenizer;
    not_null(bytes, "bytes");
    not_null(length, "length");
    const std::string_view view = value_or_throw(shared.token_bytes(token, special != 0));
    *bytes = view.data();
    *length = view.size();
  });
}
