// burin bench --endless: whether a sequence that goes on and on stays as fast, as small and as good as it was.
#pragma once

#include <cstdint>
#include <memory>

#include "tools/common_options.hpp"

namespace burin::tools {

// Fills the context, then decodes `tokens` sampled tokens and prints ten parts of them: time per token, perplexity of
// what was sampled, memory.
void bench_endless(const CommonOptions& options, const std::shared_ptr<const runtime::Model>& model,
                   std::int64_t tokens);

}  // namespace burin::tools
