// burin eval --trace: a line per executed step.
#pragma once

#include <nlohmann/json.hpp>
#include <span>

#include "runtime/session.hpp"

namespace burin::tools {

// Evaluates the tokens and prints name, rows, norms, checksum and kernel of each step while they run. Checksums are
// for comparing runs of Burin (threads, chunks, versions); norms for comparing with the oracle and other engines.
void print_trace(runtime::Session& session, std::span<const runtime::TokenId> tokens);
// The same as an array of objects.
nlohmann::json trace_json(runtime::Session& session, std::span<const runtime::TokenId> tokens);

}  // namespace burin::tools
