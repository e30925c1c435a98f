// The loops of a dequant-GEMM on AMX around tiles of 16 rows: what kernels of all activations have in common.
//
//   for at most 512 rows                              whose part of the inputs stays in the L2 cache
//     for a group of 8 column blocks                  whose sums do as well
//       for a part of the inputs
//         for each block of the group
//           unpack the part                           to the L1 cache
//           for 16 or 32 rows: sums += rows x part    behind the last part, the epilogue row by row
//
// Rows are cut into tiles of 16 from the first one on. The last tile, if it is not whole, is made of the last 16 rows,
// of which it finishes only those that are its own; tiles of fewer rows than 16 are for fewer rows than that.
//
// The scratch holds an unpacked part, and behind it the sums:
//
//   [part][block 0: 512 rows x 32 floats][block 1]...[block 7]
#pragma once

#include <functional>

#include "templates/gemm/amx_parts.hpp"
#include "templates/gemm/gemm_emitter.hpp"
#include "templates/gemm/scale_loader.hpp"
#include "templates/tile_configuration.hpp"

namespace burin::kernels {

class AmxLoops {
 public:
  AmxLoops(const GemmContext& context, const AmxParts& parts) : c_(context), a(context.a), parts_(parts) {}
  virtual ~AmxLoops() = default;
  AmxLoops(const AmxLoops&) = delete;

  // From r.arguments on; there is at least one row. Needs kLocals of the kernel's stack.
  void emit();

  // The stack: slots, the factors of superblocks, the configuration of tiles, and a tile of sums.
  static constexpr int kConfiguration = kTwoLevelFactors + TwoLevelScales::kStackBytes;
  static constexpr int kTile = kConfiguration + kTileConfigurationBytes;
  static constexpr int kLocals = kTile + kTileRows * kTileRowBytes;

 protected:
  virtual TileShapes shapes() const = 0;
  // Makes part() the part of r.block that is multiplied, from the packed one that it is.
  virtual void unpack_part() = 0;
  // Multiplies so many tiles, from tile_start() on. All of GemmRegisters but those below may be overwritten.
  virtual void multiply(int tiles) = 0;
  virtual int most_tiles() const { return 1; }  // or 2

  // Registers that keep their values from part to part and while rows are finished.
  Xbyak::Reg64 part() const { return a.name(c_.r.block_weights, "part"); }
  // Of the tile's row 0; rows of kSumBytes.
  Xbyak::Reg64 tile_sums() const { return a.name(c_.r.prefetch, "tile_sums"); }
  // Rows in front of the tile.
  Xbyak::Reg64 tile_start() const { return a.name(c_.r.tile_rows, "tile_start"); }
  static constexpr int kSumBytes = kBlockColumns * 4;

  // to = the activations of the first row of the tile that many tiles behind tile_start(), `part_bytes` per part of
  // the inputs behind its start. r11 is overwritten.
  void find_rows(const Xbyak::Reg64& to, int tile, int part_bytes);
  // to = `whole`, or `last` in the last part. rax is overwritten.
  void of_part(const Xbyak::Reg64& to, int whole, int last);
  // Calls start() in the first part, go_on() in the others.
  void start_sums(const std::function<void()>& start, const std::function<void()>& go_on);

  const GemmContext& c_;
  jit::Assembler& a;
  const AmxParts parts_;

 private:
  Xbyak::Address local(int slot) const { return a.qword[a.rsp + jit::offset(slot)]; }
  void groups_of_blocks();
  void parts_of_inputs();
  void blocks();
  void find_part();
  void multiply_tiles(int tiles);
  void tiles_of_rows();
  void start_tiles();
  void first_row_of_tile(const Xbyak::Reg64& to, int tile);
  void after_multiplying();
  void finish_rows();
  void find_row_factor();
  void next_row(Xbyak::Label& loop);
  void find_output();
};

}  // namespace burin::kernels
