// Inverse frequencies of rotary position embeddings, with the scalings that models name in their config.
#pragma once

#include <vector>

#include "graph/config_reader.hpp"
#include "graph/ir.hpp"

namespace burin::graph {

// base^(-2i/rotary) for i in 0 .. rotary/2 - 1 (Su et al., RoFormer).
std::vector<double> plain_frequencies(double base, int rotary);

// Both set `rotary`, frequencies, magnitude and `longer`; style, head size and tensors of factors are the
// architecture's. Everything is computed in double. Scalings there is no formula for are refused by name.
//
// Hugging Face config: the older spelling (rope_theta, rope_scaling{type|rope_type}) and the newer
// (rope_parameters{rope_theta, rope_type}, or one such object per layer type). Knows
//   default, linear
//   llama3     Llama 3.1 model card
//   dynamic    NTK-aware base, raised with the length beyond the trained context
//   yarn       Peng et al. 2023, with DeepSeek's mscale
//   longrope   Ding et al. 2024: listed factors, other ones beyond the original context
RopeAttributes hugging_face_rope(const ConfigReader& config, int rotary, std::string_view layer_type = {});

// GGUF: PREFIX.rope.freq_base, PREFIX.rope.scaling.{type,factor,original_context_length,attn_factor,yarn_...};
// also the older PREFIX.rope.scale_linear. Knows none, linear and yarn, whose bounds are rounded to whole pairs or not.
RopeAttributes gguf_rope(const ConfigReader& config, std::string_view prefix, int rotary,
                         bool whole_pairs = true);

// YaRN's magnitude: 1 + 0.1 m ln(factor) for factors above 1.
double yarn_magnitude(double factor, double mscale = 1);

// Inverse frequencies for a sequence of so many positions, before division by tensors of factors.
std::vector<double> frequencies_at(const RopeAttributes& rope, std::int64_t positions);

// Lengths from `first` to `last` for which frequencies_at() gives what it gives for `positions`.
struct LengthRange {
  std::int64_t first = 0;
  std::int64_t last = 0;
  bool contains(std::int64_t positions) const { return positions >= first && positions <= last; }
};
LengthRange lengths_rotating_as(const RopeAttributes& rope, std::int64_t positions);

}  // namespace burin::graph
