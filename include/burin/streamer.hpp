/// @file
/// Receivers of tokens as they are generated, in the shape that users of Hugging Face know.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "burin/export.h"
#include "burin/result.hpp"
#include "burin/tokenizer.hpp"

namespace burin {

namespace api {
struct TextStreamerState;
}

/// Receives tokens while text is generated: first those of the prompt at once, then each new one, then end().
/// Called by the generating thread only. An exception ends the call with ErrorCode::callback_threw.
class Streamer {
 public:
  virtual ~Streamer() = default;
  /// @param tokens valid during the call
  virtual void put(std::span<const TokenId> tokens) = 0;
  /// No more tokens follow; also called where generation was ended early or failed.
  virtual void end() = 0;
};

/// What a TextStreamer shows.
struct TextStreamerOptions {
  bool skip_prompt = false;
  bool skip_special_tokens = true;
};

/// Hands on text instead of tokens, in pieces of whole UTF-8 characters as they become certain. To be used by
/// one thread at a time; a new text may follow after end(). It throws nothing but what `on_text` does: after a
/// failure of its own it hands on no more, and status() says why.
class BURIN_API TextStreamer : public Streamer {
 public:
  using OnText = std::function<void(std::string_view)>;
  /// @param on_text called with pieces that are valid during the call, never empty
  TextStreamer(Tokenizer tokenizer, OnText on_text, TextStreamerOptions options = {}) noexcept;
  ~TextStreamer() override;
  TextStreamer(const TextStreamer&) = delete;
  TextStreamer& operator=(const TextStreamer&) = delete;

  void put(std::span<const TokenId> tokens) override;
  void end() override;

  /// Fails with out_of_memory, or invalid_argument for a token that the tokenizer does not know.
  Result<void> status() const noexcept;

 private:
  std::unique_ptr<api::TextStreamerState> state_;
};

}  // namespace burin
