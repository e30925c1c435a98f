// How GPT-2 and what grew from its code spell their configuration and tensors.
#pragma once

#include "graph/arch/decoder_shape.hpp"
#include "graph/arch/tensor_names.hpp"

namespace burin::graph {

// Also GPT-J's.
inline constexpr HuggingFaceKeys kGpt2Keys = {.hidden = "n_embd",
                                              .layers = "n_layer",
                                              .heads = "n_head",
                                              .kv_heads = "",
                                              .head_size = "",
                                              .context = "n_positions",
                                              .feed_forward = "n_inner",
                                              .feed_forward_factor = 4,
                                              .epsilon = "layer_norm_epsilon",
                                              .default_epsilon = 1e-5};

inline constexpr TensorName kGpt2Names[] = {
    {"token_embd", "transformer.wte"},
    {"position_embd", "transformer.wpe"},
    {"output_norm", "transformer.ln_f"},
    {"layer", "transformer.h.{}."},
    {"attn_norm", "ln_1"},
    {"attn_qkv", "attn.c_attn"},
    {"attn_output", "attn.c_proj"},
    {"ffn_norm", "ln_2"},
    {"ffn_up", "mlp.c_fc"},
    {"ffn_down", "mlp.c_proj"},
};

}  // namespace burin::graph
