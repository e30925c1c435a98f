// burin bench: prefill and decode speed, and where the time goes, next to this machine's limits in the same run.
#pragma once

#include <memory>

#include "runtime/session.hpp"
#include "tools/commands/bench/options.hpp"

namespace burin::tools {

// Prints medians of options.repeats runs, each between two probes of its limit, and the steps of one more.
void bench_speed(const BenchOptions& options, const std::shared_ptr<const runtime::Model>& model);

}  // namespace burin::tools
