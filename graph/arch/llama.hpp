// LLaMA (Touvron et al. 2023) and what shares its shape: RMS norms, rotary attention, SiLU-gated feed-forward.
#pragma once

#include "graph/arch/architectures.hpp"

namespace burin::graph {

Decoder build_llama(const ModelDescription& model);

}  // namespace burin::graph
