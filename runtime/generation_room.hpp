// How many tokens a text may have.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/model.hpp"
#include "runtime/session.hpp"
#include "runtime/stop_reason.hpp"

namespace burin::runtime {

struct GenerationRoom {
  std::int64_t most = 0;                   // tokens that can be generated
  StopReason at_end = StopReason::length;  // why there are no more: what was wanted, or the context
};

// Behind `prompt` tokens more. most_tokens is what is wanted; -1: all there is room for. Throws burin::Error where
// there is no token to start from, or the prompt does not fit the context.
GenerationRoom generation_room(const Session& session, const Model& model, std::size_t prompt,
                               std::int64_t most_tokens);

}  // namespace burin::runtime
