// Seeded random numbers that are the same on every machine.
#pragma once

#include <cstdint>
#include <vector>

namespace burin::tests {

class RandomValues {
 public:
  explicit RandomValues(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ull + 1) {}

  std::uint64_t bits() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  // Uniform in [-1, 1).
  float value() { return static_cast<float>(static_cast<std::int64_t>(bits() >> 40) - (1 << 23)) * 0x1p-23f; }
  std::int64_t below(std::int64_t limit) {
    return static_cast<std::int64_t>(bits() % static_cast<std::uint64_t>(limit));
  }
  std::vector<float> values(std::size_t count, float scale = 1) {
    std::vector<float> all(count);
    for (float& v : all) v = scale * value();
    return all;
  }

 private:
  std::uint64_t state_;
};

}  // namespace burin::tests
