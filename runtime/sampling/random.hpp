// The random numbers of sampling: the same on every machine and with every standard library, which the
// distributions of <random> are not.
#pragma once

#include <cstdint>

namespace burin::runtime {

// splitmix64: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (OOPSLA 2014), with the
// constants of Vigna's version. Period 2^64; every seed is as good as any other, also 0. Not thread-safe.
class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
  }

  // A generator of this seed goes on from here.
  std::uint64_t state() const { return state_; }

  // Uniform in [0, 1), a multiple of 2^-53.
  double next_unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  std::uint64_t state_;
};

}  // namespace burin::runtime
