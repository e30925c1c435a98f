// A bar for what takes a while.
#pragma once

#include <chrono>
#include <string>

namespace burin::tools {

// Drawn only where someone sees it, and only once the work takes a while.
class ProgressBar {
 public:
  // `what` is going on: "loading".
  explicit ProgressBar(std::string what) : what_(std::move(what)) {}

  // `done` is 0..1. Returns true: go on.
  bool operator()(double done);

 private:
  std::string what_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  bool drawn_ = false;
};

}  // namespace burin::tools
