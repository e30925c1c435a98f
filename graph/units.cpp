#include "graph/units.hpp"

#include <fmt/format.h>

namespace burin::graph {
namespace {

// Three digits that count.
std::string short_number(double value) {
  return fmt::format("{:.{}f}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

}  // namespace

std::string bytes_text(double bytes) {
  if (bytes < 1024) return fmt::format("{:.0f} B", bytes);
  constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  for (bytes /= 1024; bytes >= 999.5 && unit + 1 < std::size(kUnits); bytes /= 1024) ++unit;
  return fmt::format("{} {}", short_number(bytes), kUnits[unit]);
}

std::string seconds_text(double seconds) {
  if (seconds < 1e-6) return short_number(seconds * 1e9) + " ns";
  if (seconds < 1e-3) return short_number(seconds * 1e6) + " us";
  if (seconds < 1) return short_number(seconds * 1e3) + " ms";
  return short_number(seconds) + " s";
}

std::string rate_text(double tokens, double seconds) {
  const double rate = tokens / seconds;
  return fmt::format("{:.{}f} tokens/s", rate, rate < 9.995 ? 2 : rate < 999.5 ? 1 : 0);
}

}  // namespace burin::graph
