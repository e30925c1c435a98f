// Walking through text that may not be UTF-8.
#pragma once

#include <cstddef>
#include <string_view>

namespace burin::runtime {

struct Utf8Step {
  std::size_t length =
      1;  // bytes of the character, or of the maximal part that can't become one (Unicode 3.9)
  bool valid = false;
  bool incomplete = false;  // the text ends within a character that may still be completed
};

// The first character of a non-empty text.
Utf8Step utf8_step(std::string_view text);

}  // namespace burin::runtime
