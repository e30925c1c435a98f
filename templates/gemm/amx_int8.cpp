// Products of int8 rows with unpacked codes (unpacked_shape.hpp) on AMX. Products of an activation group are integers, which
// are scaled and added to the sums of 16 rows x 16 columns in vector registers, by the same operations in the same order
// as without AMX: results are equal bit for bit.
//
//   A: 16 rows x group  x  B: group x 16 columns  ->  C: int32  ->  memory  ->  sum of row r += float(C[r]) * scales
//
// Groups of several parts have another loop (amx_int8_long.cpp).
#include "templates/gemm/amx_int8_loops.hpp"

namespace burin::kernels {
namespace {

class AmxInt8 final : public AmxInt8Loops {
 public:
  explicit AmxInt8(const GemmContext& context) : AmxInt8Loops(context), group_(context.activations.group) {}

 private:
  // Vector registers by role.
  jit::Vector sum(int row) const { return a.vector(row, {"sum", row}); }
  jit::Vector scales() const { return a.vector(kTileRows, "scales"); }
  jit::Vector minimums() const { return a.vector(kTileRows + 1, "minimums"); }
  jit::Vector product(int row) const { return a.vector(kTileRows + 2 + row % kProducts, {"product", row}); }
  static constexpr int kProducts = 8;

  int tiles_of_group() const { return group_ / tile_inputs(); }
  Xbyak::Tmm dots() const { return a.name(Xbyak::Tmm(0), "dots"); }
  Xbyak::Tmm rows(int tile) const { return a.name(Xbyak::Tmm(1 + tile), {"rows", tile}); }
  Xbyak::Tmm columns(int tile) const { return a.name(Xbyak::Tmm(5 + tile), {"columns", tile}); }

  TileShapes shapes() const override {
    TileShapes shapes;
    for (int tile = 0; tile < 8; ++tile) {
      TileShape& shape = shapes[static_cast<std::size_t>(tile)];
      shape.of_activations = false;  // there are 16 rows at least
      if (tile >= 1 && tile < 5) shape.row_bytes = tile_inputs();
      if (tile >= 5) shape.rows = tile_inputs() / 4;
    }
    return shapes;
  }

  void multiply(int /*tiles*/) override {
    find_rows_of_part(c_.r.row, 0);
    for (int half = 0; half < 2; ++half) {
      a.mov(c_.r.row3, c_.r.row);
      start_part();
      multiply_half(half);
    }
  }

  void multiply_half(int half) {
    const auto at = [&](int row) {
      return a.ptr[tile_sums() + jit::offset(row * kSumBytes + half * kTileRowBytes)];
    };
    start_sums(
        [&] {
          for (int row = 0; row < kTileRows; ++row) a.zero(sum(row));
        },
        [&] {
          for (int row = 0; row < kTileRows; ++row) a.vmovups(sum(row), at(row));
        });
    Xbyak::Label loop;
    a.align(64);
    a.L(loop);
    multiply_group(half);
    add_group(half);
    a.add(c_.r.row3, static_cast<std::uint32_t>(c_.activations.group_bytes()));
    a.add(c_.r.weights, static_cast<std::uint32_t>(int8_group_bytes(c_.spec)));
    a.dec(c_.r.groups_left);
    a.jnz(loop, Xbyak::CodeGenerator::T_NEAR);
    for (int row = 0; row < kTileRows; ++row) a.vmovups(at(row), sum(row));
  }

  // Dots of the group, to the stack.
  void multiply_group(int half) {
    const jit::RoleScope scope(a);
    const Xbyak::Reg64 stride = a.name(a.rax, "stride");
    a.mov(stride.cvt32(), kInt8QuadBytes);
    a.tilezero(dots());
    for (int tile = 0; tile < tiles_of_group(); ++tile) {
      a.tileloadd(rows(tile), a.ptr[c_.r.row3 + c_.r.row_stride +
                                    jit::offset(c_.activations.header_bytes() + tile * tile_inputs())]);
      a.tileloadd(columns(tile),
                  a.ptr[c_.r.weights + stride +
                        jit::offset(tile * tile_inputs() / 4 * kInt8QuadBytes + half * kTileRowBytes)]);
      add_product(dots(), rows(tile), columns(tile));
    }
    a.mov(stride.cvt32(), kTileRowBytes);
    a.tilestored(a.ptr[a.rsp + stride + jit::offset(kTile)], dots());
  }

  // sums += float(dots) [* scale of the row's group] * scale of the column [+ sum of the row's group * minimum of the
  // column]
  void add_group(int half) {
    const auto of_columns = [&](int array) {
      return a.ptr[c_.r.weights +
                   jit::offset(group_ / 4 * kInt8QuadBytes + array * kSumBytes + half * kTileRowBytes)];
    };
    a.vmovups(scales(), of_columns(0));
    if (!c_.spec.weights.symmetric) a.vmovups(minimums(), of_columns(1));
    for (int row = 0; row < kTileRows; ++row) {
      const auto header = c_.r.row3 + jit::offset(row * c_.activations.row_bytes);
      a.vcvtdq2ps(product(row), a.ptr[a.rsp + jit::offset(kTile + row * kTileRowBytes)]);
      if (c_.activations.scales_groups()) a.vmulps(product(row), product(row), a.ptr_b[header + kGroupScale]);
      a.vfmadd231ps(sum(row), product(row), scales());
      if (!c_.spec.weights.symmetric) a.vfmadd231ps(sum(row), minimums(), a.ptr_b[header]);
    }
  }

  int group_;
};

}  // namespace

void emit_amx_int8(const GemmContext& context) {
  if (context.part < context.activations.group)
    emit_amx_int8_long(context);
  else
    AmxInt8(context).emit();
}

}  // namespace burin::kernels
