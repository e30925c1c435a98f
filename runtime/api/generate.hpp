// Generating text in a session that its caller has in use.
#pragma once

#include <span>

#include "burin/session.hpp"
#include "runtime/api/states.hpp"
#include "runtime/stop_reason.hpp"

namespace burin::api {

// Throws with ErrorCode::invalid_argument for ids outside the vocabulary, ErrorCode::context_full where the tokens
// do not fit.
void check_tokens(const SessionState& state, std::span<const TokenId> tokens);

// Throws with ErrorCode::invalid_argument for numbers of tokens and stop texts that are none.
void check_limits(const GenerationOptions& options);
StopReason reason_of(runtime::StopReason reason);

// See Session::generate.
Generation generate(SessionState& state, std::span<const TokenId> prompt, const GenerationOptions& options,
                    const OnToken& on_token);
Generation generate(SessionState& state, std::span<const TokenId> prompt, const GenerationOptions& options,
                    Streamer& streamer);

}  // namespace burin::api
