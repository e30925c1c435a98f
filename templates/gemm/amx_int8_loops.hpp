// What kernels of int8 rows on AMX have in common: weights that are unpacked (unpacked_shape.hpp), and a product of tiles.
#pragma once

#include <algorithm>

#include "templates/gemm/amx_loops.hpp"
#include "templates/gemm/int8_part.hpp"

namespace burin::kernels {

class AmxInt8Loops : public AmxLoops {
 protected:
  explicit AmxInt8Loops(const GemmContext& context) : AmxLoops(context, amx_parts(context.spec)) {}

  // Of a product of tiles; parts of groups are of 16, or a multiple of 32 up to 128.
  int tile_inputs() const {
    return c_.part % kTileRowBytes == 0 ? kTileRowBytes : std::min(c_.part, kTileRowBytes / 2);
  }
  int groups_per_unit() const { return parts_.unit_inputs / c_.activations.group; }

  void unpack_part() override {
    a.mov(c_.r.weights, part());
    a.mov(part(), c_.argument(offsetof(GemmArguments, scratch)));
    a.mov(c_.r.row, part());
    of_part(c_.r.groups_left, parts_.units, parts_.last_units);
    emit_int8_part(c_);
  }

  // r.weights, r.groups_left = the unpacked part, its activation groups. rax is overwritten.
  void start_part() {
    a.mov(c_.r.weights, part());
    of_part(c_.r.groups_left, parts_.units * groups_per_unit(), parts_.last_units * groups_per_unit());
  }
  // rows = the tile's first row, at the part. r11 is overwritten.
  void find_rows_of_part(const Xbyak::Reg64& rows, int tile) {
    find_rows(rows, tile, parts_.units * groups_per_unit() * c_.activations.group_bytes());
  }

  // dots += rows x columns
  void add_product(const Xbyak::Tmm& dots, const Xbyak::Tmm& rows, const Xbyak::Tmm& columns) {
    if (c_.spec.weights.symmetric)
      a.tdpbssd(dots, rows, columns);
    else
      a.tdpbsud(dots, rows, columns);
  }
};

}  // namespace burin::kernels
