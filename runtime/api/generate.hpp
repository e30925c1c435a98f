// Generating text in a session that its caller has in use.
#pragma once

#include <span>

#include "burin/session.hpp"
#include "runtime/api/states.hpp"

namespace burin::api {

// Throws with ErrorCode::invalid_argument for ids outside the vocabulary, ErrorCode::context_full where the tokens
// do not fit.
void check_tokens(const SessionState& state, std::span<const TokenId> tokens);

// See Session::generate.
Generation generate(SessionState& state, std::span<const TokenId> prompt, const GenerationOptions& options,
                    const OnToken& on_token);
Generation generate(SessionState& state, std::span<const TokenId> prompt, const GenerationOptions& options,
                    Streamer& streamer);

}  // namespace burin::api
