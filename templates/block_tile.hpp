// The sums of a register tile over a block of 32 columns.
#pragma once

#include "jit/assembler.hpp"

namespace burin::kernels {

// `rows` rows by `vectors` column vectors of the block, from register 0 on:
//
//                vector 0      vector 1
//              +-------------+-------------+
//   row 0      | sum (0,0)   | sum (0,1)   |
//   row 1      | sum (1,0)   | sum (1,1)   |
//     ...      |             |             |
//              +-------------+-------------+
//
// On AVX-512 two vectors are a block. On AVX2 a block is four vectors: a tile takes all four, or makes two passes, over
// vectors {0, 2} and {1, 3}, so that the halves of a block that gate products and rotations combine stay together:
// vector v goes with v + vectors/2.
class BlockTile {
 public:
  // whole_block: of all the block's vectors, in one pass; otherwise of two.
  BlockTile(const jit::Assembler& a, int rows, bool whole_block)
      : assembler_(a),
        rows_(rows),
        vectors_(whole_block ? kBlockBytes / a.vector_bytes() : 2),
        passes_(kBlockBytes / a.vector_bytes() / vectors_) {}

  int rows() const { return rows_; }
  int vectors() const { return vectors_; }
  int passes() const { return passes_; }
  // Which vector of the block `vector` of a pass is.
  int block_vector(int pass, int vector) const { return pass + vector * passes_; }
  jit::Vector sum(int row, int vector) const {
    return assembler_.vector(row * vectors_ + vector, {"sum", row, vector});
  }

 private:
  static constexpr int kBlockBytes = 128;  // 32 columns of 32 bits

  const jit::Assembler& assembler_;
  int rows_;
  int vectors_;
  int passes_;
};

}  // namespace burin::kernels
