// How threads share a range of equal items.
#pragma once

#include <cstdint>

namespace burin::runtime {

// Part `index` of `parts` of a range.
struct Share {
  std::int64_t first;
  std::int64_t last;
};

inline Share share_of(std::int64_t first, std::int64_t last, int index, int parts) {
  const std::int64_t count = last - first;
  return {first + count * index / parts, first + count * (index + 1) / parts};
}

inline std::int64_t round_up_quotient(std::int64_t value, std::int64_t divisor) {
  return (value + divisor - 1) / divisor;
}

}  // namespace burin::runtime
