// What burin bench measures of a model, repeat by repeat: every time between two probes of its limit.
#pragma once

#include <vector>

#include "runtime/limits.hpp"
#include "runtime/session.hpp"
#include "tools/commands/bench/options.hpp"

namespace burin::tools {

// A value per repeat.
struct Samples {
  std::vector<double> prefill_rate, prefill_share, decode_rate, decode_share, to_one_row, read_limit,
      dot_peak;
};

// One repeat.
void measure(const BenchOptions& options, const runtime::Model& model, runtime::Session& session,
             runtime::LimitProbe& probe, Samples& samples);

// Its parts, without probes.
std::vector<runtime::TokenId> some_tokens(std::int64_t count, std::int64_t vocabulary);
double seconds_to_decode(const BenchOptions& options, runtime::Session& session,
                         std::span<const runtime::TokenId> rows);

}  // namespace burin::tools
