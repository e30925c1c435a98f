// Options of the C ABI in terms of the C++ API's.
#pragma once

#include <functional>

#include "burin/burin.h"
#include "burin/options.hpp"
#include "burin/session.hpp"

namespace burin::api {

// Null: the defaults. All throw with ErrorCode::invalid_argument for structs of a wrong size and null strings in
// lists.
LoadOptions options_of(const burin_load_options* given);
SamplingOptions options_of(const burin_sampling_options* given);
SessionOptions options_of(const burin_session_options* given);
GenerationOptions options_of(const burin_generation_options* given);
// Empty where the host has none, as the next one.
OnToken on_token_of(const burin_generation_options* given);
std::function<void(const BeamText&)> on_beam_of(const burin_generation_options* given);

}  // namespace burin::api
