// The host's callback for tokens.
#pragma once

#include <string>
#include <string_view>

#include "burin/session.hpp"
#include "runtime/api/states.hpp"

namespace burin::api {

// Tokens come after their text, and some text after the last token: the callback gets both together.
class TokenCalls {
 public:
  TokenCalls(SessionState& state, const OnToken& on_token) : state_(state), on_token_(on_token) {}

  void add_text(std::string_view piece) { text_ += piece; }
  void end_token(TokenId token) {
    if (!call(token)) state_.cancelled.store(true, std::memory_order_relaxed);
  }
  void end_text() {
    if (!text_.empty()) call(-1);
  }

 private:
  bool call(TokenId token) {
    const bool goes_on = call_host("on_token", [&] { return on_token_(token, text_); });
    text_.clear();
    return goes_on;
  }

  SessionState& state_;
  const OnToken& on_token_;
  std::string text_;
};

}  // namespace burin::api
