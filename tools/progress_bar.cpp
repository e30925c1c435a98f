#include "tools/progress_bar.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace burin::tools {

bool ProgressBar::operator()(double done) {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  if (isatty(STDERR_FILENO) == 0 || (seconds <= 0.5 && !drawn_)) return true;
  drawn_ = true;
  const auto filled = static_cast<std::size_t>(done * 40);
  fmt::print(stderr, "\r{} [{:<40}] {:3.0f} %", what_, std::string(filled, '#'), done * 100);
  if (done >= 1) fmt::print(stderr, "\r{:60}\r", "");
  std::fflush(stderr);
  return true;
}

}  // namespace burin::tools
