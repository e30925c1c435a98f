// Register tile of a dequant-GEMM: which vector register plays which role, and how large tiles may be.
#pragma once

#include "jit/assembler.hpp"
#include "templates/activation_rows.hpp"
#include "templates/block_tile.hpp"
#include "templates/formats/weight_format.hpp"

namespace burin::kernels {

// A tile of activation rows: sums are f32, over all of K; behind them are as many dots, int32, over one activation
// group (int8 only). A tile of one int8 row takes whole blocks.
class TileRegisters : public BlockTile {
 public:
  TileRegisters(const jit::Assembler& a, Activation activation, const WeightFormat& weights, int rows);

  jit::Vector dot(int row, int vector) const {
    return a_.vector((rows() + row) * vectors() + vector, {"dot", row, vector});
  }
  // Decoded codes. Where the dot product takes only 7 bits, there are two parts: magnitudes and signed codes (see
  // multiplies_signed()), or the low bits of 8-bit codes and the top one, or halves of a table's bytes. A tile of one
  // row uses codes at once, so two slots serve all its vectors.
  jit::Vector code(int vector, int part = 0) const {
    return a_.vector(codes_ + part * slots_ + vector % slots_, {"code", vector, part > 0 ? part : -1});
  }
  jit::Vector scale(int vector) const { return a_.vector(scales_ + vector % slots_, {"scale", vector}); }
  jit::Vector minimum(int vector) const {
    return a_.vector(minimums_ + vector % slots_, {"minimum", vector});
  }
  // Not of int8.
  jit::Vector weight(int vector) const { return a_.vector(weights_ + vector, {"weight", vector}); }
  jit::Vector scratch() const { return a_.vector(scratch_, "scratch"); }
  // Float tables only.
  jit::Vector look_up_scratch() const { return a_.vector(look_up_scratch_, "scratch"); }
  // Broadcast activations rotate over what is left (nothing, where a tile is too large); the last ones are for tables
  // and masks of codes.
  int broadcasts() const { return registers_ - broadcasts_; }
  bool has_tables() const { return has_tables_; }
  jit::Vector table(int part) const { return a_.vector(tables_ + part, {"table", part}); }
  // Of so many of the codes' planes, the widest first (fp8: of the codes).
  int masks() const { return masks_; }
  jit::Vector mask(int plane = 0) const {
    return a_.vector(registers_ + masks_ - 1 - plane, {"code_mask", plane > 0 ? plane : -1});
  }
  jit::Vector broadcast(int turn, const jit::Role& role = "broadcast") const {
    return a_.vector(broadcasts_ + turn % broadcasts(), role);
  }

 private:
  int take(int registers);
  int kept_tables(Activation activation, const WeightFormat& weights) const;
  void share_out_rest(int tables, int masks);

  const jit::Assembler& a_;
  int registers_;  // but for tables and masks
  int slots_;
  int next_ = 0;
  int codes_ = 0;
  int scales_ = 0;
  int minimums_ = 0;
  int weights_ = 0;
  int scratch_ = 0;
  int look_up_scratch_ = 0;
  int broadcasts_ = 0;
  int tables_ = 0;
  int masks_ = 0;
  bool has_tables_ = false;
};

// Whether a look-up makes a float of a code: where a register holds all values, or there is no other way.
bool looks_up_floats(const jit::Assembler& a, const WeightFormat& weights);

// 8-bit codes and wide tables need two dot products where one saturates (see VectorIsa::dot_bytes).
int code_parts(const jit::Assembler& a, const WeightFormat& weights);

// Codes in two parts are the weights' signed bytes, and dots need no correction for a zero point.
bool multiplies_signed(const jit::Assembler& a, const WeightFormat& weights);

}  // namespace burin::kernels
