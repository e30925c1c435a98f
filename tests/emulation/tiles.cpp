#include "tests/emulation/tiles.hpp"

#include <algorithm>
#include <cstring>

#include "tests/emulation/report.hpp"

namespace burin::emulation {
namespace {

// Without a constructor to run, so that the first use may be in a signal handler.
constinit thread_local TileState thread_tiles;

// The configuration in memory (SDM volume 2, LDTILECFG, table "Memory area layout"):
//
//    0 palette   1 start row   2..15 zero   16..31 COLSB of 8 tiles, 2 bytes each   32..47 zero
//   48..55 rows of 8 tiles     56..63 zero
constexpr std::size_t kStartRow = 1;
constexpr std::size_t kRowBytes = 16;
constexpr std::size_t kRows = 48;

bool all_zero(const std::uint8_t* from, std::size_t begin, std::size_t end) {
  return std::all_of(from + begin, from + end, [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace

TileState& tile_state() { return thread_tiles; }

void release_tiles() {
  thread_tiles.configured = false;
  thread_tiles.start_row = 0;
  for (Tile& tile : thread_tiles.tiles) {
    tile.row_bytes = 0;
    tile.rows = 0;
    std::memset(tile.data, 0, sizeof(tile.data));
  }
}

void configure_tiles(const Instruction& instruction, const std::uint8_t config[kTileConfigBytes]) {
  const std::uint8_t palette = config[0];
  if (palette > 1) die("#GP: no palette beyond 1", instruction);
  release_tiles();
  // Palette 0 is the initial state, whatever the other bytes say.
  if (palette == 0) return;
  if (!all_zero(config, 2, 16) || !all_zero(config, 32, 48) || !all_zero(config, 56, 64))
    die("#GP: reserved bytes of the configuration are not zero", instruction);
  for (std::size_t i = 0; i < kTiles; ++i) {
    std::uint16_t row_bytes = 0;
    std::memcpy(&row_bytes, config + kRowBytes + 2 * i, 2);
    const std::uint8_t rows = config[kRows + i];
    if (row_bytes > kTileRowBytes) die("#GP: a tile with more than 64 bytes per row", instruction);
    if (rows > kTileRows) die("#GP: a tile with more than 16 rows", instruction);
    if ((rows == 0) != (row_bytes == 0))
      die("#GP: a tile of rows without bytes, or the reverse", instruction);
    thread_tiles.tiles[i].row_bytes = row_bytes;
    thread_tiles.tiles[i].rows = rows;
  }
  thread_tiles.start_row = config[kStartRow];
  thread_tiles.configured = true;
}

void describe_tiles(std::uint8_t config[kTileConfigBytes]) {
  std::memset(config, 0, kTileConfigBytes);
  if (!thread_tiles.configured) return;
  config[0] = 1;
  config[kStartRow] = thread_tiles.start_row;
  for (std::size_t i = 0; i < kTiles; ++i) {
    std::memcpy(config + kRowBytes + 2 * i, &thread_tiles.tiles[i].row_bytes, 2);
    config[kRows + i] = thread_tiles.tiles[i].rows;
  }
}

}  // namespace burin::emulation
