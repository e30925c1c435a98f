// Products of int8 rows with unpacked codes (unpacked_shape.hpp) on AMX, where activation groups are of several parts (s8row):
// dots of a group stay in tiles meanwhile, of as many rows and columns at once as there are tiles for.
//
//                          B0          B1         inputs of a group, 64 or 32 at a time
//                     +-----------+-----------+
//      A0: 16 rows    | C00, 0..15| C01,16..31|   C: int32 dots of rows x columns
//                     +-----------+-----------+
//      A1: 16 rows    | C10       | C11       |   A: the same inputs of the prepared rows
//                     +-----------+-----------+
//
// Behind a group, C  ->  memory  ->  sum of row r += float(C[r]) * scales, as without AMX.
#include "templates/gemm/amx_int8_loops.hpp"

namespace burin::kernels {
namespace {

constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;

class AmxInt8Long final : public AmxInt8Loops {
 public:
  explicit AmxInt8Long(const GemmContext& context) : AmxInt8Loops(context) {}

 private:
  // Tiles by role.
  Xbyak::Tmm dots(int tile, int half) const {
    return a.name(Xbyak::Tmm(tile * 2 + half), {"dots", tile, half});
  }
  Xbyak::Tmm rows(int tile) const { return a.name(Xbyak::Tmm(4 + tile), {"rows", tile}); }
  Xbyak::Tmm columns(int half) const { return a.name(Xbyak::Tmm(6 + half), {"columns", half}); }
  // Vector registers by role.
  jit::Vector product(int row) const { return a.vector(row % kInFlight, {"product", row}); }
  jit::Vector sum(int row) const { return a.vector(kInFlight + row % kInFlight, {"sum", row}); }
  jit::Vector scales() const { return a.vector(2 * kInFlight, "scales"); }
  jit::Vector minimums() const { return a.vector(2 * kInFlight + 1, "minimums"); }
  static constexpr int kInFlight = 8;

  TileShapes shapes() const override {
    TileShapes shapes;
    for (TileShape& shape : shapes) shape.of_activations = false;  // there are 16 rows at least
    shapes[4].row_bytes = shapes[5].row_bytes = tile_inputs();
    shapes[6].rows = shapes[7].rows = tile_inputs() / 4;
    return shapes;
  }
  int most_tiles() const override { return 2; }

  Xbyak::Reg64 row_pointer(int tile) const {
    return a.name(tile == 0 ? c_.r.row : c_.r.row3, {"row_pointer", tile});
  }
  void move_rows(int tiles, int bytes) {
    for (int tile = 0; tile < tiles; ++tile) a.add(row_pointer(tile), static_cast<std::uint32_t>(bytes));
  }
  Xbyak::Address sums_at(int tile, int row, int half) const {
    return a.ptr[tile_sums() + jit::offset((tile * kTileRows + row) * kSumBytes + half * kTileRowBytes)];
  }

  void multiply(int tiles) override {
    for (int tile = 0; tile < tiles; ++tile) find_rows_of_part(row_pointer(tile), tile);
    start_sums([&] { zero_sums(tiles); }, [] {});
    start_part();
    Xbyak::Label loop;
    a.align(64);
    a.L(loop);
    multiply_group(tiles);
    for (int half = 0; half < 2; ++half) add_group(tiles, half);
    const int group = c_.activations.group;
    a.add(c_.r.weights, static_cast<std::uint32_t>(int8_group_bytes(c_.spec) - group / 4 * kInt8QuadBytes));
    move_rows(tiles, c_.activations.group_bytes());
    a.dec(c_.r.groups_left);
    a.jnz(loop, kNear);
  }

  void zero_sums(int tiles) {
    a.zero(sum(0));
    for (int tile = 0; tile < tiles; ++tile)
      for (int row = 0; row < kTileRows; ++row)
        for (int half = 0; half < 2; ++half) a.vmovups(sums_at(tile, row, half), sum(0));
  }

  // dots = those of the group. r.weights goes on to its scales, rows stay.
  void multiply_group(int tiles) {
    const jit::RoleScope scope(a);
    const Xbyak::Reg64 stride = a.name(a.rax, "stride");
    const Xbyak::Reg64 steps_left = a.name(c_.r.scales, "steps_left");
    Xbyak::Label loop;
    a.mov(stride.cvt32(), kInt8QuadBytes);
    a.mov(steps_left.cvt32(), static_cast<std::uint32_t>(c_.activations.group / tile_inputs()));
    for (int tile = 0; tile < tiles; ++tile)
      for (int half = 0; half < 2; ++half) a.tilezero(dots(tile, half));
    a.align(64);
    a.L(loop);
    multiply_step(tiles, stride);
    a.add(c_.r.weights, static_cast<std::uint32_t>(tile_inputs() / 4 * kInt8QuadBytes));
    move_rows(tiles, tile_inputs());
    a.dec(steps_left);
    a.jnz(loop, kNear);
    move_rows(tiles, -c_.activations.group);
  }

  void multiply_step(int tiles, const Xbyak::Reg64& stride) {
    const auto codes = jit::offset(c_.activations.header_bytes());
    for (int tile = 0; tile < tiles; ++tile) {
      a.tileloadd(rows(tile), a.ptr[row_pointer(tile) + c_.r.row_stride + codes]);
      for (int half = 0; half < 2; ++half) {
        if (tile == 0)
          a.tileloadd(columns(half), a.ptr[c_.r.weights + stride + jit::offset(half * kTileRowBytes)]);
        add_product(dots(tile, half), rows(tile), columns(half));
      }
    }
  }

  // sums += float(dots) * scale of the column [+ sum of the row's group * minimum of the column]
  void add_group(int tiles, int half) {
    const jit::RoleScope scope(a);
    const Xbyak::Reg64 stride = a.name(a.rax, "stride");
    const bool symmetric = c_.spec.weights.symmetric;
    a.mov(stride.cvt32(), kTileRowBytes);
    a.vmovups(scales(), a.ptr[c_.r.weights + jit::offset(half * kTileRowBytes)]);
    if (!symmetric)
      a.vmovups(minimums(), a.ptr[c_.r.weights + jit::offset(kSumBytes + half * kTileRowBytes)]);
    for (int tile = 0; tile < tiles; ++tile) {
      a.tilestored(a.ptr[a.rsp + stride + jit::offset(kTile)], dots(tile, half));
      for (int row = 0; row < kTileRows; ++row) {
        a.vcvtdq2ps(product(row), a.ptr[a.rsp + jit::offset(kTile + row * kTileRowBytes)]);
        a.vmovups(sum(row), sums_at(tile, row, half));
        a.vfmadd231ps(sum(row), product(row), scales());
        if (!symmetric)
          a.vfmadd231ps(sum(row), minimums(),
                        a.ptr_b[row_pointer(tile) + jit::offset(row * c_.activations.row_bytes)]);
        a.vmovups(sums_at(tile, row, half), sum(row));
      }
    }
  }
};

}  // namespace

void emit_amx_int8_long(const GemmContext& context) { AmxInt8Long(context).emit(); }

}  // namespace burin::kernels
