// The token loop: prompt in, streamed text out.
#pragma once

#include <atomic>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/sampling/sampler.hpp"
#include "runtime/session.hpp"
#include "runtime/stop_reason.hpp"

namespace burin::runtime {

struct GenerationOptions {
  SamplingOptions sampling;
  std::int64_t most_tokens = -1;   // -1: until the model ends its text or the context is full
  std::vector<std::string> stops;  // the text ends before the first of these
  // Goes on with this one, for the session's vocabulary; null: one is made from `sampling`.
  Sampler* sampler = nullptr;
  std::function<void(TokenId)> on_token;  // each generated token, after its text
};

struct GenerationResult {
  std::vector<TokenId> tokens;  // generated, without the prompt and without an end-of-text token
  std::string text;             // as streamed; empty where the model has no tokenizer
  StopReason reason = StopReason::length;
  double prefill_seconds = 0;
  double decode_seconds = 0;
};

// Appends `prompt` to the session and generates; an empty one goes on from the session's logits, which must be those of
// its last token. on_text gets pieces of whole characters as they become
// certain. cancel (may be null) ends the text at the next token. Throws burin::Error for an empty prompt of an
// empty session, one that does not fit the context, ids outside the vocabulary, or options out of range.
GenerationResult generate(Session& session, const Model& model, std::span<const TokenId> prompt,
                          const GenerationOptions& options,
                          const std::function<void(std::string_view)>& on_text,
                          const std::atomic<bool>* cancel = nullptr);

}  // namespace burin::runtime
