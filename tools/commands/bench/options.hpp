// What `burin bench` was asked for.
#pragma once

#include <cstdint>
#include <string>

#include "tools/common_options.hpp"

namespace burin::tools {

struct BenchOptions {
  CommonOptions common;
  std::string synthetic;
  std::int64_t prompt = 512;
  std::int64_t generate = 32;  // steps
  std::int64_t depth = 0;
  std::int64_t batch = 1;  // rows per step
  std::int64_t endless = 0;
  int repeats = 5;
  bool startup = false;
  std::string save;
};

}  // namespace burin::tools
