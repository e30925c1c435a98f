// Act-order: which inputs belong to which group, where these are not simply consecutive.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/files/quantised/checkpoint.hpp"

namespace burin::runtime::quantised {

// From a tensor with the group of each input, the order that makes groups consecutive:
//
//   g_idx     1 0 2 0 1 2        of inputs a b c d e f, groups of 2
//   order     1 3 0 4 2 5        sorted: b d | a e | c f
//
// Empty where they are consecutive already. Throws burin::Error for numbers out of range, and for groups that are
// not all of `group` inputs (the last one: of what is left).
std::vector<std::int32_t> group_order(const Checkpoint& checkpoint, const std::string& tensor,
                                      std::int64_t inputs, std::int64_t group);

}  // namespace burin::runtime::quantised
