// State shared by the parts that emit one dequant-GEMM kernel.
#pragma once

#include "jit/assembler.hpp"
#include "templates/formats/packing.hpp"
#include "templates/gemm/code_planes.hpp"
#include "templates/gemm/gemm_spec.hpp"
#include "templates/gemm/tile_registers.hpp"

namespace burin::kernels {

// General registers by role. rbp is the frame, rax and r11 are free for short use.
struct GemmRegisters {
  const jit::Assembler& a;
  Xbyak::Reg64 arguments = a.name(a.rbx, "arguments");
  Xbyak::Reg64 row = a.name(a.rdi, "row");               // activations of the tile's row 0, walking along K
  Xbyak::Reg64 row3 = a.name(a.r8, "row3");              // ... of row 3
  Xbyak::Reg64 row_stride = a.name(a.r9, "row_stride");  // bytes
  Xbyak::Reg64 weights = a.name(a.rsi, "weights");       // walking through the block
  Xbyak::Reg64 block_weights = a.name(a.r12, "block_weights");
  Xbyak::Reg64 prefetch = a.name(a.r10, "prefetch");  // tiles: walking through the next block
  Xbyak::Reg64 output = a.name(a.rdx, "output");      // of the tile's row 0, at the block's first column
  Xbyak::Reg64 groups_left = a.name(a.rcx, "groups_left");
  Xbyak::Reg64 block = a.name(a.r13, "block");
  Xbyak::Reg64 tile_row = a.name(a.r14, "tile_row");  // number of the tile's row 0
  Xbyak::Reg64 tile_rows = a.name(a.r15, "tile_rows");
  Xbyak::Reg64 scales = a.name(a.r11, "scales");  // of the weight group being read
  Xbyak::Reg64 free = a.rax;
};

struct GemmContext {
  jit::Assembler& a;
  const GemmSpec& spec;
  ActivationRows activations;
  int part;  // of an activation group, that a loop body goes through; 0 for floats
  PackedShape packed;
  GemmRegisters r;

  Xbyak::Address argument(std::size_t member) const { return a.ptr[r.arguments + member]; }
  // Address expression of a tile row's activations.
  Xbyak::RegExp row(int index) const {
    const Xbyak::Reg64& base = index < 3 ? r.row : r.row3;
    switch (index % 3) {
      case 0: return Xbyak::RegExp(base);
      case 1: return base + r.row_stride;
      default: return base + r.row_stride * 2;
    }
  }
  void advance_rows(int rows, int bytes) const {
    a.add(r.row, static_cast<std::uint32_t>(bytes));
    if (rows > 3) a.add(r.row3, static_cast<std::uint32_t>(bytes));
  }
};

// The kernel's stack: slots of the loops over rows and blocks (gemm_emitter.cpp, amx_loops.cpp); the steps that a weight
// group of several activation groups still has; the factors of a two-level superblock (scale_loader.hpp).
inline constexpr int kStepsLeft = 56;
inline constexpr int kTwoLevelFactors = 64;

// What a tile prefetches of the weights while it reads them.
struct WeightPrefetch {
  enum class From : std::uint8_t {
    far_ahead,   // what it will read itself: memory bounds a single tile
    next_block,  // at r.prefetch, to L2
  };
  From from = From::next_block;
  int lines = 0;  // per loop body
};

// Emits the sums of one pass of a tile over all of K.
void emit_int8_sums(const GemmContext& context, const TileRegisters& tile, int pass,
                    const WeightPrefetch& prefetch);
void emit_float_sums(const GemmContext& context, const TileRegisters& tile, int pass,
                     const WeightPrefetch& prefetch);
// r.weights is at a widened block (unpacked_shape.hpp).
void emit_half_sums(const GemmContext& context, const TileRegisters& tile);

// All rows and blocks on AMX (amx_loops.hpp).
void emit_amx_halves(const GemmContext& context);
void emit_amx_int8(const GemmContext& context);
void emit_amx_int8_long(const GemmContext& context);  // of activation groups of several parts

// r.weights = the factors of r.block's columns, behind all groups, where the format has them: for kernels that have not
// read up to there.
void find_factors(const GemmContext& context);

// Multiplies finished sums with what they lack: with the rows' factors, to which GemmContext::row points, and the columns',
// to which r.weights points, where there are such; with a number that undoes how weights were unpacked.
void emit_sum_factors(const GemmContext& context, const TileRegisters& tile, int pass);

// What widened weights are too small by: under factors of columns their values reach 2688, of which sums of products do
// not fit into f16.
float widened_sum_factor(const GemmSpec& spec);

// to = what GemmEpilogue::add adds to the tile's row 0, from the block's first column on.
void find_residual(const GemmContext& context, const Xbyak::Reg64& to);

// Emits what happens to the sums of one pass; registers that are not sums are free.
void emit_epilogue(const GemmContext& context, const TileRegisters& tile, int pass);

// One cache line of the weights ahead of what is read, spread evenly over the steps of a loop body.
class PrefetchSchedule {
 public:
  PrefetchSchedule(const GemmContext& context, const WeightPrefetch& prefetch, int steps)
      : context_(context), prefetch_(prefetch), steps_(steps) {}
  void step();

 private:
  const GemmContext& context_;
  WeightPrefetch prefetch_;
  int steps_;
  int done_ = 0;
  int step_ = 0;
};

}  // namespace burin::kernels
