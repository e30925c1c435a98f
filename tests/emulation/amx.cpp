#include "tests/emulation/amx.hpp"

#include <cstring>

#include "tests/emulation/memory.hpp"
#include "tests/emulation/operands.hpp"
#include "tests/emulation/report.hpp"
#include "tests/emulation/tile_products.hpp"
#include "tests/emulation/tiles.hpp"

namespace burin::emulation {
namespace {

Tile& tile_operand(const Instruction& instruction, int operand) {
  if (!tile_state().configured) die("#UD: the tiles are not configured", instruction);
  Tile& tile = tile_state().tiles[vector_number(instruction.operand[operand]->reg.value)];
  if (tile.rows == 0) die("#UD: a tile that the configuration leaves out", instruction);
  return tile;
}

// Rows of a tile in memory. Their distance is the index register times its scale, without one it is 0: all
// rows are then the same (SDM volume 2, TILELOADD).
struct TileMemory {
  std::uint64_t address;
  std::uint64_t stride;
};

TileMemory tile_memory(const Instruction& instruction, int operand, const ProcessorState& state) {
  ZydisDecodedOperand base = *instruction.operand[operand];
  std::uint64_t stride = 0;
  if (base.mem.index != ZYDIS_REGISTER_NONE)
    stride = state.general(general_number(base.mem.index)) * base.mem.scale;
  base.mem.index = ZYDIS_REGISTER_NONE;
  return {effective_address(instruction, base, state), stride};
}

void load_tile(const Instruction& instruction, const ProcessorState& state) {
  Tile& tile = tile_operand(instruction, 0);
  const TileMemory memory = tile_memory(instruction, 1, state);
  TileState& tiles = tile_state();
  if (tiles.start_row >= tile.rows) die("#UD: the start row is beyond the tile", instruction);
  for (std::size_t row = tiles.start_row; row < kTileRows; ++row) {
    if (row < tile.rows)
      copy_bytes(tile.data[row], reinterpret_cast<const void*>(memory.address + row * memory.stride),
                 tile.row_bytes);
    const std::size_t valid = row < tile.rows ? tile.row_bytes : 0;
    std::memset(tile.data[row] + valid, 0, kTileRowBytes - valid);
  }
  tiles.start_row = 0;
}

void store_tile(const Instruction& instruction, const ProcessorState& state) {
  const Tile& tile = tile_operand(instruction, 1);
  const TileMemory memory = tile_memory(instruction, 0, state);
  TileState& tiles = tile_state();
  if (tiles.start_row >= tile.rows) die("#UD: the start row is beyond the tile", instruction);
  for (std::size_t row = tiles.start_row; row < tile.rows; ++row)
    copy_bytes(reinterpret_cast<void*>(memory.address + row * memory.stride), tile.data[row], tile.row_bytes);
  tiles.start_row = 0;
}

// What all products check first (SDM volume 2, section 2.10, class AMX-E4); Zydis has refused the same tile
// twice.
//
//        B: k rows of n dwords                The dwords of A and of B are 4 bytes or 2 halves each, so that
//    A: m rows of k dwords, C: m rows of n    one dword of each gives 4 or 2 products for one dword of C.
void multiply(const Instruction& instruction, TileProduct product) {
  Tile& c = tile_operand(instruction, 0);
  const Tile& a = tile_operand(instruction, 1);
  const Tile& b = tile_operand(instruction, 2);
  if (tile_state().start_row != 0) die("#UD: the start row is not 0", instruction);
  if (a.row_bytes % 4 != 0 || b.row_bytes % 4 != 0 || c.row_bytes % 4 != 0)
    die("#UD: rows that are not whole dwords", instruction);
  if (a.rows != c.rows) die("#UD: first source and destination differ in rows", instruction);
  if (b.row_bytes != c.row_bytes) die("#UD: second source and destination differ in columns", instruction);
  if (a.row_bytes / 4 != b.rows)
    die("#UD: columns of the first source are not rows of the second", instruction);
  multiply_tiles(product, c, a, b);
}

}  // namespace

bool is_amx(const Instruction& instruction) {
  return instruction.decoded.meta.category == ZYDIS_CATEGORY_AMX_TILE;
}

bool emulate_amx(const Instruction& instruction, ProcessorState& state) {
  if (!is_amx(instruction)) return false;
  if (instruction.younger == Younger::tdpfp16ps) {
    multiply(instruction, TileProduct::fp16);
    return true;
  }
  std::uint8_t config[kTileConfigBytes];
  switch (instruction.decoded.mnemonic) {
    case ZYDIS_MNEMONIC_LDTILECFG:
      copy_bytes(
          config,
          reinterpret_cast<const void*>(effective_address(instruction, *instruction.operand[0], state)),
          sizeof(config));
      configure_tiles(instruction, config);
      return true;
    case ZYDIS_MNEMONIC_STTILECFG:
      describe_tiles(config);
      copy_bytes(reinterpret_cast<void*>(effective_address(instruction, *instruction.operand[0], state)),
                 config, sizeof(config));
      return true;
    case ZYDIS_MNEMONIC_TILERELEASE: release_tiles(); return true;
    case ZYDIS_MNEMONIC_TILEZERO: {
      Tile& tile = tile_operand(instruction, 0);
      std::memset(tile.data, 0, sizeof(tile.data));
      tile_state().start_row = 0;
      return true;
    }
    // T1 is a hint for the caches.
    case ZYDIS_MNEMONIC_TILELOADD:
    case ZYDIS_MNEMONIC_TILELOADDT1: load_tile(instruction, state); return true;
    case ZYDIS_MNEMONIC_TILESTORED: store_tile(instruction, state); return true;
    case ZYDIS_MNEMONIC_TDPBSSD: multiply(instruction, TileProduct::s8_s8); return true;
    case ZYDIS_MNEMONIC_TDPBSUD: multiply(instruction, TileProduct::s8_u8); return true;
    case ZYDIS_MNEMONIC_TDPBUSD: multiply(instruction, TileProduct::u8_s8); return true;
    case ZYDIS_MNEMONIC_TDPBUUD: multiply(instruction, TileProduct::u8_u8); return true;
    case ZYDIS_MNEMONIC_TDPBF16PS: multiply(instruction, TileProduct::bf16); return true;
    default: return false;
  }
}

}  // namespace burin::emulation
