// Ranges of options, as all of them are refused.
#pragma once

#include <string_view>

#include "jit/error.hpp"

namespace burin::runtime {

// Throws burin::Error naming the option and its value where that is outside, or NaN.
template <typename Number>
void check_range(std::string_view option, Number value, Number least, Number most) {
  const bool inside = value >= least && value <= most;  // false for NaN
  if (!inside) fail("{}: {} is out of range: give {} to {}", option, value, least, most);
}

}  // namespace burin::runtime
