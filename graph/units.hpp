// Bytes and times as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace burin::graph {

std::string bytes_text(double bytes);                  // "512 B", "1.5 KiB", "3.8 GiB"
std::string seconds_text(double seconds);              // "1.25 us", "12.3 ms", "2.40 s"
std::string rate_text(double tokens, double seconds);  // "12.3 tokens/s", "56700 tokens/s"

}  // namespace burin::graph
