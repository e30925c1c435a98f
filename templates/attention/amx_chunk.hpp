// Scores and values of a chunk on AMX tiles.
#pragma once

#include "templates/attention/attention_emitter.hpp"

namespace burin::kernels {

// Before the chunks: the shapes of the tiles. The kernel must end with tilerelease.
void emit_attention_tiles(const AttentionContext& context);
void emit_scores_on_tiles(const AttentionContext& context);
void emit_values_on_tiles(const AttentionContext& context);

}  // namespace burin::kernels
