// Bytes and times as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace burin::graph {

std::string bytes_text(double bytes);      // "512 B", "1.5 KiB", "3.8 GiB"
std::string seconds_text(double seconds);  // "1.25 us", "12.3 ms", "2.40 s"

}  // namespace burin::graph
