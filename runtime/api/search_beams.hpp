// Beam search in a session that its caller has in use.
#pragma once

#include <span>

#include "burin/session.hpp"
#include "runtime/api/states.hpp"

namespace burin::api {

// See Session::generate; options.beam_search must be given, and the prompt be checked.
Generation search_beams(SessionState& state, std::span<const TokenId> prompt,
                        const GenerationOptions& options, const OnToken& on_token);

}  // namespace burin::api
