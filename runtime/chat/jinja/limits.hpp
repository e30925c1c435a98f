// How much a template may do: templates come with model files and may be hostile.
#pragma once

#include <cstddef>
#include <cstdint>

#include "jit/error.hpp"

namespace burin::runtime::jinja {

struct Limits {
  std::size_t template_bytes = std::size_t{1} << 20;
  std::size_t text_bytes = std::size_t{16} << 20;  // of the output, and of every text on the way there
  std::uint64_t steps = 5'000'000;                 // nodes evaluated, elements visited, 32 bytes copied
  int depth = 600;                                 // of evaluation, macros within macros included
  int values_depth = 100;                          // lists within lists
};

// Counts what one rendering has used; throws burin::Error (without a place) where that is too much.
// Every operation pays for what it touches, so that no template takes more than a few seconds.
class Budget {
 public:
  explicit Budget(const Limits& limits) : limits_(limits) {}
  const Limits& limits() const { return limits_; }

  void spend(std::size_t steps) {
    steps_ += steps;
    if (steps_ > limits_.steps) fail("the template takes more than {} steps: refused", limits_.steps);
  }
  // A text of this length is read.
  void read(std::size_t bytes) { spend(1 + bytes / 32); }
  // A text of this length is made.
  void make(std::size_t bytes) {
    if (bytes > limits_.text_bytes)
      fail("the template makes a text of more than {} bytes: refused", limits_.text_bytes);
    read(bytes);
  }

 private:
  Limits limits_;
  std::uint64_t steps_ = 0;
};

}  // namespace burin::runtime::jinja
