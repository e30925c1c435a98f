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

}  // namespace burin::runtime
