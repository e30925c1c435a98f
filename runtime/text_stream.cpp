#include "runtime/text_stream.hpp"

#include <utility>

namespace burin::runtime {
namespace {

// A prompt of nothing but BOS: what follows is the start of the text.
bool begins_text(const Tokenizer& tokenizer, std::span<const TokenId> prompt) {
  return prompt.size() == 1 && prompt[0] == tokenizer.bos();
}

}  // namespace

TextStream::TextStream(const Tokenizer* tokenizer, std::span<const TokenId> prompt,
                       std::vector<std::string> stops)
    : stops_(std::move(stops)) {
  if (tokenizer != nullptr) decoder_.emplace(*tokenizer, begins_text(*tokenizer, prompt));
}

std::string_view TextStream::push(TokenId token) {
  return decoder_ ? stops_.add(decoder_->push(token)) : std::string_view();
}

std::string TextStream::finish() {
  if (!decoder_) return {};
  std::string rest(stops_.add(decoder_->finish()));
  rest += stops_.flush();
  return rest;
}

}  // namespace burin::runtime
