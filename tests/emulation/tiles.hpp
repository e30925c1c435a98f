// The AMX tile registers of the calling thread and their configuration.
#pragma once

#include <cstddef>
#include <cstdint>

namespace burin::emulation {

struct Instruction;

// Palette 1, the only one there is (SDM volume 1, section 18.3; CPUID leaf 0x1D).
constexpr int kTiles = 8;
constexpr int kTileRows = 16;
constexpr int kTileRowBytes = 64;
constexpr std::size_t kTileConfigBytes = 64;

// One tile: `rows` of `row_bytes` each. All beyond them is zero:
//
//           0        row_bytes        64
//        0  [ data    |     zeros      ]
//           [         |                ]
//     rows  [---------+----------------]
//           [ zeros                    ]
//       16
struct Tile {
  std::uint16_t row_bytes = 0;  // COLSB
  std::uint8_t rows = 0;
  alignas(64) std::uint8_t data[kTileRows][kTileRowBytes] = {};
};

struct TileState {
  bool configured = false;
  std::uint8_t start_row = 0;
  Tile tiles[kTiles];
};

// Every thread has tiles of its own.
TileState& tile_state();

// LDTILECFG with the 64 bytes it has read; aborts where the processor raises #GP.
void configure_tiles(const Instruction& instruction, const std::uint8_t config[kTileConfigBytes]);
// STTILECFG: the 64 bytes it stores.
void describe_tiles(std::uint8_t config[kTileConfigBytes]);
// TILERELEASE.
void release_tiles();

}  // namespace burin::emulation
