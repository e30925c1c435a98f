// Inverse frequencies of rotary position embeddings, with the scalings that models name in their config.
#pragma once

#include <vector>

#include "graph/config_reader.hpp"

namespace burin::graph {

// base^(-2i/rotary) for i in 0 .. rotary/2 - 1 (Su et al., RoFormer).
std::vector<double> plain_frequencies(double base, int rotary);

// Hugging Face config: the older spelling (rope_theta, rope_scaling{type|rope_type}) and the newer
// (rope_parameters{rope_theta, rope_type}). Knows default, linear and llama3 (Llama 3.1 model card);
// others are refused by name.
std::vector<double> hugging_face_frequencies(const ConfigReader& config, int rotary);

// GGUF: PREFIX.rope.freq_base, PREFIX.rope.scaling.{type,factor}; also the older PREFIX.rope.scale_linear.
std::vector<double> gguf_frequencies(const ConfigReader& config, std::string_view prefix, int rotary);

}  // namespace burin::graph
