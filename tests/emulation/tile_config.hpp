// The memory operand of LDTILECFG, and names of tiles.
#pragma once

#include <xbyak/xbyak.h>

#include <cstdint>
#include <cstring>

namespace burin::emulation {

// Xbyak's own util::tmm0 ... are of the wrong type.
inline const Xbyak::Tmm tmm0(0), tmm1(1), tmm2(2), tmm3(3), tmm5(5), tmm7(7);

struct alignas(64) TileConfig {
  std::uint8_t bytes[64] = {};

  explicit TileConfig(std::uint8_t palette = 1) { bytes[0] = palette; }
  TileConfig& tile(int number, int rows, int row_bytes) {
    const auto columns = static_cast<std::uint16_t>(row_bytes);
    std::memcpy(bytes + 16 + 2 * number, &columns, sizeof(columns));
    bytes[48 + number] = static_cast<std::uint8_t>(rows);
    return *this;
  }
  bool operator==(const TileConfig&) const = default;
};

}  // namespace burin::emulation
