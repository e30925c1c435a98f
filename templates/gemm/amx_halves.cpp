// Products of bf16 or f16 rows with widened weights (unpacked_shape.hpp) on AMX:
//
//                          B0          B1         32 inputs of a widened part
//                     +-----------+-----------+
//      A0: 16 rows    | C00, 0..15| C01,16..31|   C: f32 sums of rows x columns
//                     +-----------+-----------+
//      A1: 16 rows    | C10       | C11       |   A: 32 inputs of the prepared rows
//                     +-----------+-----------+
#include "templates/gemm/amx_loops.hpp"
#include "templates/gemm/widened_part.hpp"

namespace burin::kernels {
namespace {

class AmxHalves final : public AmxLoops {
 public:
  explicit AmxHalves(const GemmContext& context)
      : AmxLoops(context, amx_parts(context.spec)), widens_(must_be_widened(context.spec, context.packed)) {}

 private:
  // Tiles by role.
  Xbyak::Tmm sum(int tile, int half) const {
    return a.name(Xbyak::Tmm(tile * 2 + half), {"sum", tile, half});
  }
  Xbyak::Tmm rows(int tile) const { return a.name(Xbyak::Tmm(4 + tile), {"rows", tile}); }
  Xbyak::Tmm columns(int half) const { return a.name(Xbyak::Tmm(6 + half), {"columns", half}); }

  TileShapes shapes() const override {
    TileShapes shapes;
    shapes[6].of_activations = shapes[7].of_activations = false;
    return shapes;
  }
  int most_tiles() const override { return 2; }

  void unpack_part() override {
    if (!widens_) return;
    a.mov(c_.r.weights, part());
    a.mov(part(), c_.argument(offsetof(GemmArguments, scratch)));
    a.mov(c_.r.row, part());
    of_part(c_.r.groups_left, parts_.units, parts_.last_units);
    emit_widened_part(c_);
  }

  void multiply(int tiles) override {
    const jit::RoleScope scope(a);
    const Xbyak::Reg64 stride = a.name(a.rax, "stride");  // of pairs of inputs, and of sums
    static_assert(kSumBytes == kWidenedPairBytes);
    for (int tile = 0; tile < tiles; ++tile) find_rows(row_pointer(tile), tile, parts_.inputs() * 2);
    const auto last = widened_inputs(c_.packed) - std::int64_t{parts_.count - 1} * parts_.inputs();
    of_part(c_.r.groups_left, parts_.inputs() / kWidenedStep, static_cast<int>(last) / kWidenedStep);
    a.mov(stride.cvt32(), kSumBytes);
    start_sums(
        [&] { for_sums(tiles, [&](const Xbyak::Tmm& sums, const Xbyak::RegExp&) { a.tilezero(sums); }); },
        [&] {
          for_sums(tiles, [&](const Xbyak::Tmm& sums, const Xbyak::RegExp& at) {
            a.tileloadd(sums, a.ptr[at + stride]);
          });
        });
    a.mov(c_.r.weights, part());
    Xbyak::Label loop;
    a.align(64);
    a.L(loop);
    multiply_step(tiles, stride);
    a.dec(c_.r.groups_left);
    a.jnz(loop, Xbyak::CodeGenerator::T_NEAR);
    for_sums(tiles, [&](const Xbyak::Tmm& sums, const Xbyak::RegExp& at) {
      a.tilestored(a.ptr[at + stride], sums);
    });
  }

  Xbyak::Reg64 row_pointer(int tile) const {
    return a.name(tile == 0 ? c_.r.row : c_.r.row3, {"row_pointer", tile});
  }

  void for_sums(int tiles,
                const std::function<void(const Xbyak::Tmm& sums, const Xbyak::RegExp& at)>& body) const {
    for (int tile = 0; tile < tiles; ++tile)
      for (int half = 0; half < 2; ++half)
        body(sum(tile, half), tile_sums() + jit::offset(tile * kTileRows * kSumBytes + half * kTileRowBytes));
  }

  void multiply_step(int tiles, const Xbyak::Reg64& stride) {
    load_rows(0);
    for (int half = 0; half < 2; ++half) {
      a.tileloadd(columns(half), a.ptr[c_.r.weights + stride + jit::offset(half * kTileRowBytes)]);
      dot(sum(0, half), rows(0), columns(half));
    }
    if (tiles == 2) {
      load_rows(1);
      for (int half = 0; half < 2; ++half) dot(sum(1, half), rows(1), columns(half));
    }
    for (int tile = 0; tile < tiles; ++tile) a.add(row_pointer(tile), kTileRowBytes);
    a.add(c_.r.weights, kWidenedStep / 2 * kWidenedPairBytes);
  }

  void dot(const Xbyak::Tmm& sums, const Xbyak::Tmm& rows, const Xbyak::Tmm& columns) {
    if (c_.spec.activation == Activation::bf16)
      a.tdpbf16ps(sums, rows, columns);
    else
      a.tdpfp16ps(sums, rows, columns);
  }

  // As data that is not needed in L1 again: the widened part shall stay there.
  void load_rows(int tile) { a.tileloaddt1(rows(tile), a.ptr[row_pointer(tile) + c_.r.row_stride]); }

  bool widens_;
};

}  // namespace

void emit_amx_halves(const GemmContext& context) { AmxHalves(context).emit(); }

}  // namespace burin::kernels
