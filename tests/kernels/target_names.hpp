// Every target there is, as the parameter of a test.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "jit/target.hpp"

namespace burin::tests {

inline std::vector<std::string> target_names() {
  std::vector<std::string> names;
  for (const jit::NamedTarget& target : jit::known_targets()) names.emplace_back(target.name);
  return names;
}

// "skylake_avx512": GoogleTest takes letters, digits and underscores.
inline std::string target_test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

}  // namespace burin::tests
