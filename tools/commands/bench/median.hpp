#pragma once

#include <algorithm>
#include <vector>

namespace burin::tools {

// Of at least one value; of an even number the upper of the two in the middle.
inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace burin::tools
