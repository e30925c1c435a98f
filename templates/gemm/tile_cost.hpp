// What a register tile of a dequant-GEMM costs, and how many rows it therefore has.
//
// Counted are vector instructions for 32 inputs of the columns of one pass (templates/block_tile.hpp):
//
//   shared       loading and unpacking weights, whatever the number of rows
//   of each row  products; the conversion and scaling of an activation group
//
// Two of them start in a cycle, but products of one sum wait for each other:
//
//   cycles(rows) = max((shared + rows * of each row) / 2, chain)
//
//   int4, groups of 32, AVX512-VNNI: shared 27, of each row 22, chain 40
//
//   rows             1     2     3     4     5     6
//   cycles per row   40    20    15.5  14.4  13.7  13.3
//
// The cheapest tile per row wins among those whose registers suffice (tile_registers.hpp) and whose rows can be addressed
// (GemmContext::row), of equals the larger, which loads weights less often. Rows that fill no such tile are cut evenly:
// 7 as 4 + 3 take 104 cycles, as 6 + 1 they take 120. Cores that unpack beside their multipliers (Zen 5) are faster than
// this counts; what is cheapest stays so. AMX has tiles of its own: amx_parts.hpp says from how many rows on.
#pragma once

#include "jit/assembler.hpp"
#include "templates/activation_rows.hpp"
#include "templates/formats/weight_format.hpp"

namespace burin::kernels {

struct TileCost {
  double shared = 0;
  double of_row = 0;
  double chain = 0;  // cycles

  double cycles(int rows) const;
  double cycles_per_row(int rows) const { return cycles(rows) / rows; }
};

// Of the kernel whose code `a` takes. Where weights are widened beforehand (bf16, f16), that is not the tile's.
TileCost tile_cost(const jit::Assembler& a, Activation activation, const WeightFormat& weights);

// Throws burin::Error where the registers do not suffice for even one row.
int cheapest_tile_rows(const jit::Assembler& a, Activation activation, const WeightFormat& weights);

}  // namespace burin::kernels
