#include "burin/streamer.hpp"

#include <optional>
#include <string>
#include <utility>

#include "runtime/api/states.hpp"
#include "runtime/tokenizer/tokenizer.hpp"

namespace burin {
namespace api {

struct TextStreamerState {
  void decode(std::span<const TokenId> tokens) {
    if (std::exchange(expects_prompt, false)) {
      decoder.emplace(deref(tokenizer, "tokenizer"), !options.skip_prompt);
      if (options.skip_prompt) return;
    }
    for (const TokenId token : tokens) decode(token);
  }

  // Special tokens have no bytes for the decoder; they are shown as they are written.
  void decode(TokenId token) {
    if (!options.skip_special_tokens && tokenizer->token_bytes(token).empty()) {
      text += decoder->finish();
      text += tokenizer->token_bytes(token, true);
    } else {
      text += decoder->push(token);
    }
  }

  void finish() {
    if (decoder) text += decoder->finish();
    decoder.reset();
    expects_prompt = true;
  }

  // Apart from decoding, as what on_text throws is the host's and goes back to it.
  void show() {
    if (status && !text.empty() && on_text) on_text(text);
    text.clear();
  }

  std::shared_ptr<const runtime::Tokenizer> tokenizer;
  TextStreamer::OnText on_text;
  TextStreamerOptions options;
  std::optional<runtime::StreamDecoder> decoder;  // of the text that is under way
  bool expects_prompt = true;
  std::string text;  // decoded and not shown yet
  Result<void> status;
};

}  // namespace api

TextStreamer::TextStreamer(Tokenizer tokenizer, OnText on_text, TextStreamerOptions options) noexcept {
  state_.reset(new (std::nothrow) api::TextStreamerState);
  if (!state_) return;
  state_->tokenizer = std::move(tokenizer.shared_);
  state_->on_text = std::move(on_text);
  state_->options = options;
}

TextStreamer::~TextStreamer() = default;

void TextStreamer::put(std::span<const TokenId> tokens) {
  if (!state_ || !state_->status) return;
  state_->status = api::guarded<void>(ErrorCode::invalid_argument, [&] { state_->decode(tokens); });
  state_->show();
}

void TextStreamer::end() {
  if (!state_ || !state_->status) return;
  state_->status = api::guarded<void>(ErrorCode::failed, [&] { state_->finish(); });
  state_->show();
}

Result<void> TextStreamer::status() const noexcept {
  if (!state_) return Failure{ErrorCode::out_of_memory, "out of memory"};
  return api::guarded<void>(ErrorCode::failed, [&] { api::value_or_throw(state_->status); });
}

}  // namespace burin
