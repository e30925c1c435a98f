#include "runtime/beam_search/options.hpp"

#include "runtime/sampling/check_range.hpp"

namespace burin::runtime {

void validate(const BeamSearchOptions& options) {
  check_range("beams", options.beams, 1, kMostBeams);
  check_range("length_penalty", options.length_penalty, -10.0, 10.0);
  check_range("min_new_tokens", options.min_new_tokens, std::int64_t{0}, std::int64_t{1} << 40);
}

}  // namespace burin::runtime
