// The four rounding modes.
#pragma once

#include <cstdint>

namespace burin::emulation {

// In the order of MXCSR.RC, of EVEX.L'L and of the immediates (SDM volume 1, table 4-8).
enum class Rounding : std::uint8_t { nearest_even = 0, down = 1, up = 2, toward_zero = 3 };

}  // namespace burin::emulation
