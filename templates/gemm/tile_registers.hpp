// Register tile of a dequant-GEMM: which vector register plays which role, and how large tiles may be.
#pragma once

#include "jit/assembler.hpp"
#include "templates/activation_rows.hpp"
#include "templates/formats/weight_format.hpp"

namespace burin::kernels {

// A tile is `rows` activation rows by `vectors` column vectors of the 32-column block:
//
//                vector 0      vector 1
//              +-------------+-------------+
//   row 0      | sum (0,0)   | sum (0,1)   |    sums: f32, over all of K
//   row 1      | sum (1,0)   | sum (1,1)   |    dots: int32, over one activation group (s8 only)
//     ...      |             |             |
//              +-------------+-------------+
//
// On AVX-512 two vectors are a block. On AVX2 a block is four vectors: a tile of one s8 row takes all four,
// larger ones make two passes, over vectors {0, 2} and {1, 3}, so that the halves of a block that gate
// products and rotations combine stay together: vector v goes with v + vectors/2.
class TileRegisters {
 public:
  TileRegisters(const jit::Assembler& a, Activation activation, const WeightFormat& weights, int rows);

  int rows() const { return rows_; }
  int vectors() const { return vectors_; }
  int passes() const { return passes_; }
  // Which vector of the block `vector` of a pass is.
  int block_vector(int pass, int vector) const { return pass + vector * passes_; }

  jit::Vector sum(int row, int vector) const { return a_.vector(row * vectors_ + vector); }
  jit::Vector dot(int row, int vector) const { return a_.vector((rows_ + row) * vectors_ + vector); }
  // Decoded codes; part 1 is the top bit of 8-bit codes, or the rest of a table's bytes, where the dot
  // product takes only 7 bits. A tile of one row uses codes at once, so two slots serve all its vectors.
  jit::Vector code(int vector, int part = 0) const {
    return a_.vector(codes_ + part * slots_ + vector % slots_);
  }
  jit::Vector scale(int vector) const { return a_.vector(scales_ + vector % slots_); }
  jit::Vector minimum(int vector) const { return a_.vector(minimums_ + vector % slots_); }
  jit::Vector weight(int vector) const { return a_.vector(weights_ + vector); }  // f32 only
  jit::Vector scratch() const { return a_.vector(scratch_); }
  jit::Vector look_up_scratch() const { return a_.vector(look_up_scratch_); }  // float tables only
  // Broadcast activations rotate over what is left; the last ones are for tables and the code mask.
  int broadcasts() const { return registers_ - broadcasts_; }
  bool has_tables() const { return has_tables_; }
  jit::Vector table(int part) const { return a_.vector(tables_ + part); }
  bool has_mask() const { return has_mask_; }
  jit::Vector mask() const { return a_.vector(mask_); }
  jit::Vector broadcast(int turn) const { return a_.vector(broadcasts_ + turn % broadcasts()); }

  // Largest number of rows that leaves at least one broadcast register; at most 6, which is where the
  // multipliers are saturated. Throws burin::Error where not even one row fits.
  static int most_rows(const jit::Assembler& a, Activation activation, const WeightFormat& weights);

 private:
  int take(int registers);
  void share_out_rest(int tables);

  const jit::Assembler& a_;
  int rows_;
  int registers_;  // but for tables and mask
  int vectors_;
  int passes_;
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
  int mask_ = 0;
  bool has_tables_ = false;
  bool has_mask_ = false;
};

// 8-bit codes and wide tables need two dot products where one saturates (see VectorIsa::dot_bytes).
int code_parts(const jit::Assembler& a, const WeightFormat& weights);

}  // namespace burin::kernels
