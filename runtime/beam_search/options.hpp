// What beam search can be told.
#pragma once

#include <cstdint>

namespace burin::runtime {

inline constexpr int kMostBeams = 64;

// Names, defaults but that of `beams`, and meaning are those of Hugging Face's generate().
struct BeamSearchOptions {
  int beams = 4;                // texts that are kept at every step, 1 to 64; 1 is greedy
  double length_penalty = 1;    // scores are divided by length^this, -10 to 10: above 0 favours long texts
  bool early_stopping = false;  // end as soon as there are `beams` finished texts
  std::int64_t min_new_tokens = 0;  // no token ends the text before so many others
};

// Throws burin::Error naming the option that is out of range, and its value.
void validate(const BeamSearchOptions& options);

}  // namespace burin::runtime
