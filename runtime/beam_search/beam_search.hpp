// Beam search: the most probable text instead of a drawn one.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/beam_search/options.hpp"
#include "runtime/model.hpp"
#include "runtime/session.hpp"
#include "runtime/stop_reason.hpp"

namespace burin::runtime {

struct BeamSearchRequest {
  BeamSearchOptions options = {};
  std::int64_t most_tokens = -1;        // -1: until no better text can come, or the context is full
  std::vector<std::string> stops = {};  // a text ends before the first of these
};

struct BeamText {
  std::vector<TokenId> tokens;  // generated, without the prompt and without an end-of-text token
  std::string text;             // empty where the model has no tokenizer
  double score = 0;             // see FinishedText
  StopReason reason = StopReason::length;
};

struct BeamSearchResult {
  std::vector<BeamText> texts;  // best first, at least one; as many as beams, or all there are
  std::size_t cache_bytes = 0;  // of KV caches at the end, all together; what they share counts once
  double prefill_seconds = 0;
  double decode_seconds = 0;
};

// Appends `prompt` to the session and looks for the best text behind it (beam_pool.hpp); an empty one goes on from the
// session's logits, which must be those of its last token. The session holds the prompt then, and its logits: evaluate
// the tokens of the text that is to go on. Beams are forks of it (beam_sessions.hpp), each with its own ring where
// sessions are endless. The result is the same on every number of threads. cancel (may be null) ends the search at the
// next token, with the texts as they are. Throws burin::Error as generate() does.
BeamSearchResult beam_search(Session& session, const Model& model, std::span<const TokenId> prompt,
                             const BeamSearchRequest& request, const std::atomic<bool>* cancel = nullptr);

}  // namespace burin::runtime
