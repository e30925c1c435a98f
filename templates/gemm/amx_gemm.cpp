// Dequant-GEMM on AMX-BF16: the loops around tiles of 32 rows by 32 columns.
//
//                          B0          B1         16 pairs of inputs of a widened block
//                     +-----------+-----------+
//      A0: 16 rows    | C00, 0..15| C01,16..31|   C: f32 sums of rows x columns
//                     +-----------+-----------+
//      A1: 16 rows    | C10       | C11       |   A: 32 inputs of the prepared rows
//                     +-----------+-----------+
//
//   for at most 512 rows                              whose part of the inputs stays in the L2 cache
//     for a group of 8 column blocks                  whose sums do as well
//       for a part of 512 inputs
//         for each block of the group
//           widen the part                            to the L1 cache
//           for 32 rows: sums += A x B over the part; behind the last part, the epilogue row by row
//
// Rows are cut into tiles of 16 from the first one on. The last tile, if it is not whole, is made of the last 16 rows,
// of which it finishes only those that are its own; tiles of fewer rows than 16 are for fewer rows than that.
#include <algorithm>
#include <functional>

#include "jit/error.hpp"
#include "jit/spec_text.hpp"
#include "templates/gemm/gemm_emitter.hpp"
#include "templates/gemm/scale_loader.hpp"
#include "templates/gemm/weight_values.hpp"
#include "templates/gemm/widened_part.hpp"
#include "templates/tile_configuration.hpp"

namespace burin::kernels {
namespace {

constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;
constexpr int kSumBytes = kBlockColumns * 4;  // of a row and block
constexpr int kBlockSums = kAmxRows * kSumBytes;

// Stack slots.
constexpr int kFirstRow = 0;     // of the rows that are multiplied
constexpr int kEndRow = 8;       // behind them
constexpr int kFirstBlock = 16;  // of the group
constexpr int kEndBlock = 24;    // behind it
constexpr int kPart = 32;        // number of the part of the inputs
constexpr int kTiles = 40;       // that are to be finished
constexpr int kConfiguration = kTwoLevelFactors + TwoLevelScales::kStackBytes;
constexpr int kLocals = kConfiguration + kTileConfigurationBytes;

class AmxGemm {
 public:
  AmxGemm(const GemmSpec& spec, const jit::Target& target)
      : a(target),
        c_{a,
           spec,
           activation_rows(spec.activation, spec.inputs, spec.weights),
           packed_shape(spec.weights, spec.inputs, spec.columns),
           {}},
        widens_(must_be_widened(spec.weights, c_.packed)),
        part_inputs_(widened_part_inputs(c_.packed)),
        parts_(static_cast<int>((widened_inputs(c_.packed) + part_inputs_ - 1) / part_inputs_)) {}

  jit::CodeImage emit() {
    Xbyak::Label done;
    a.begin_frame(kLocals);
    a.mov(c_.r.arguments, a.rdi);
    a.mov(a.rcx, c_.argument(offsetof(GemmArguments, rows)));
    a.test(a.rcx, a.rcx);
    a.jle(done, kNear);
    emit_tile_configuration(a, shapes(), kConfiguration, a.rcx);
    a.mov(c_.r.row_stride, static_cast<std::uint32_t>(c_.activations.row_bytes));
    chunks_of_rows();
    a.tilerelease();
    a.L(done);
    a.end_frame();
    return a.finish(jit::spec_text(c_.spec));
  }

 private:
  // Tiles by role.
  static Xbyak::Tmm sum(int tile, int half) { return Xbyak::Tmm(tile * 2 + half); }
  static Xbyak::Tmm rows(int tile) { return Xbyak::Tmm(4 + tile); }
  static Xbyak::Tmm columns(int half) { return Xbyak::Tmm(6 + half); }
  static TileShapes shapes() {
    TileShapes shapes;
    shapes[6].of_activations = shapes[7].of_activations = false;
    return shapes;
  }

  // Registers that keep their values while rows are finished; see GemmRegisters.
  const Xbyak::Reg64& part() const { return c_.r.block_weights; }    // widened, of the block
  const Xbyak::Reg64& tile_sums() const { return c_.r.prefetch; }    // of the tile's row 0
  const Xbyak::Reg64& tile_start() const { return c_.r.tile_rows; }  // rows in front of the tile

  Xbyak::Address local(int slot) const { return a.qword[a.rsp + jit::offset(slot)]; }

  void chunks_of_rows() {
    Xbyak::Label loop;
    a.mov(local(kFirstRow), 0);
    a.L(loop);
    a.mov(a.rax, local(kFirstRow));
    a.add(a.rax, kAmxRows);
    a.mov(a.rcx, c_.argument(offsetof(GemmArguments, rows)));
    a.cmp(a.rax, a.rcx);
    a.cmovg(a.rax, a.rcx);
    a.mov(local(kEndRow), a.rax);
    groups_of_blocks();
    a.mov(a.rax, local(kEndRow));
    a.mov(local(kFirstRow), a.rax);
    a.cmp(a.rax, c_.argument(offsetof(GemmArguments, rows)));
    a.jl(loop, kNear);
  }

  void groups_of_blocks() {
    Xbyak::Label loop;
    Xbyak::Label done;
    a.mov(a.rax, c_.argument(offsetof(GemmArguments, first_block)));
    a.L(loop);
    a.mov(local(kFirstBlock), a.rax);
    a.mov(a.rcx, c_.argument(offsetof(GemmArguments, last_block)));
    a.cmp(a.rax, a.rcx);
    a.jge(done, kNear);
    a.add(a.rax, kAmxBlocks);
    a.cmp(a.rax, a.rcx);
    a.cmovg(a.rax, a.rcx);
    a.mov(local(kEndBlock), a.rax);
    parts_of_inputs();
    a.mov(a.rax, local(kEndBlock));
    a.jmp(loop, kNear);
    a.L(done);
  }

  void parts_of_inputs() {
    Xbyak::Label loop;
    a.mov(local(kPart), 0);
    a.L(loop);
    blocks();
    a.inc(local(kPart));
    a.cmp(local(kPart), static_cast<std::uint32_t>(parts_));
    a.jl(loop, kNear);
  }

  void blocks() {
    Xbyak::Label loop;
    a.mov(c_.r.block, local(kFirstBlock));
    a.L(loop);
    find_part();
    if (widens_) widen_part();
    tiles_of_rows();
    a.inc(c_.r.block);
    a.cmp(c_.r.block, local(kEndBlock));
    a.jl(loop, kNear);
  }

  // part() = the packed part of the block.
  void find_part() {
    if (c_.packed.block_bytes > INT32_MAX) fail("gemm: {} inputs are too many", c_.spec.inputs);
    a.imul(part(), c_.r.block, static_cast<int>(c_.packed.block_bytes));
    a.add(part(), c_.argument(offsetof(GemmArguments, weights)));
    a.imul(a.rax, local(kPart), static_cast<int>(part_units() * unit_bytes()));
    a.add(part(), a.rax);
  }

  int part_units() const { return part_inputs_ / WeightValues::unit_inputs(c_); }
  std::int64_t unit_bytes() const {
    return static_cast<std::int64_t>(c_.packed.block_bytes) /
           (c_.packed.padded_inputs / WeightValues::unit_inputs(c_));
  }

  // part() = the scratch it was widened to.
  void widen_part() {
    const auto last_units =
        c_.packed.padded_inputs / WeightValues::unit_inputs(c_) - std::int64_t{parts_ - 1} * part_units();
    a.mov(c_.r.weights, part());
    a.mov(part(), c_.argument(offsetof(GemmArguments, scratch)));
    a.mov(c_.r.row, part());
    of_part(c_.r.groups_left, part_units(), static_cast<int>(last_units));
    emit_widened_part(c_);
  }

  // to = `whole`, or `last` in the last part. rax is overwritten.
  void of_part(const Xbyak::Reg64& to, int whole, int last) {
    a.mov(to.cvt32(), static_cast<std::uint32_t>(last));
    if (parts_ == 1 || whole == last) return;
    a.mov(a.eax, static_cast<std::uint32_t>(whole));
    a.cmp(local(kPart), static_cast<std::uint32_t>(parts_ - 1));
    a.cmovl(to, a.rax);
  }

  void tiles_of_rows() {
    Xbyak::Label loop;
    Xbyak::Label one;
    Xbyak::Label next;
    start_tiles();
    a.L(loop);
    a.lea(a.rax, a.ptr[tile_start() + kTileRows]);
    a.add(a.rax, local(kFirstRow));
    a.cmp(a.rax, local(kEndRow));
    a.jge(one, kNear);
    multiply(2);
    a.jmp(next, kNear);
    a.L(one);
    multiply(1);
    a.L(next);
    after_multiplying();
    a.mov(a.rax, tile_start());
    a.add(a.rax, local(kFirstRow));
    a.cmp(a.rax, local(kEndRow));
    a.jl(loop, kNear);
  }

  void start_tiles() {
    a.mov(tile_sums(), c_.r.block);
    a.sub(tile_sums(), local(kFirstBlock));
    a.imul(tile_sums(), tile_sums(), kBlockSums);
    a.add(tile_sums(), c_.argument(offsetof(GemmArguments, scratch)));
    a.add(tile_sums(), static_cast<std::uint32_t>(amx_part_bytes(c_.packed)));
    a.xor_(tile_start(), tile_start());
  }

  // to = number of the first row of the tile that many tiles behind tile_start().
  void first_row_of_tile(const Xbyak::Reg64& to, int tile, const Xbyak::Reg64& free) {
    a.lea(to, a.ptr[tile_start() + jit::offset(tile * kTileRows)]);
    a.add(to, local(kFirstRow));
    a.mov(free, local(kEndRow));
    a.sub(free, kTileRows);
    a.cmp(to, free);
    a.cmovg(to, free);
    a.cmp(to, local(kFirstRow));
    a.cmovl(to, local(kFirstRow));
  }

  // Sums of one or two tiles over the part. Leaves the number of tiles in its slot.
  void multiply(int tiles) {
    const Xbyak::Reg64 stride = a.rax;  // of pairs of inputs, and of sums
    for (int tile = 0; tile < tiles; ++tile) {
      const Xbyak::Reg64& row = row_pointer(tile);
      first_row_of_tile(row, tile, a.r11);
      a.imul(row, row, static_cast<int>(c_.activations.row_bytes));
      a.add(row, c_.argument(offsetof(GemmArguments, activations)));
      a.imul(a.r11, local(kPart), part_inputs_ * 2);
      a.add(row, a.r11);
    }
    const auto last = widened_inputs(c_.packed) - std::int64_t{parts_ - 1} * part_inputs_;
    of_part(c_.r.groups_left, part_inputs_ / kWidenedStep, static_cast<int>(last) / kWidenedStep);
    a.mov(stride.cvt32(), kSumBytes);
    static_assert(kSumBytes == kWidenedPairBytes);
    start_sums(tiles, stride);
    a.mov(c_.r.weights, part());
    Xbyak::Label loop;
    a.align(64);
    a.L(loop);
    multiply_step(tiles, stride);
    a.dec(c_.r.groups_left);
    a.jnz(loop, kNear);
    for_sums(
        tiles, [&](const Xbyak::Tmm& sums, const Xbyak::RegExp& at) { a.tilestored(a.ptr[at], sums); },
        stride);
    a.mov(local(kTiles), static_cast<std::uint32_t>(tiles));
  }

  const Xbyak::Reg64& row_pointer(int tile) const { return tile == 0 ? c_.r.row : c_.r.row3; }

  void start_sums(int tiles, const Xbyak::Reg64& stride) {
    Xbyak::Label first;
    Xbyak::Label started;
    if (parts_ > 1) {
      a.cmp(local(kPart), 0);
      a.je(first, kNear);
      for_sums(
          tiles, [&](const Xbyak::Tmm& sums, const Xbyak::RegExp& at) { a.tileloadd(sums, a.ptr[at]); },
          stride);
      a.jmp(started, kNear);
      a.L(first);
    }
    for (int tile = 0; tile < tiles; ++tile)
      for (int half = 0; half < 2; ++half) a.tilezero(sum(tile, half));
    a.L(started);
  }

  void for_sums(int tiles, const std::function<void(const Xbyak::Tmm& sums, const Xbyak::RegExp& at)>& body,
                const Xbyak::Reg64& stride) {
    for (int tile = 0; tile < tiles; ++tile)
      for (int half = 0; half < 2; ++half)
        body(sum(tile, half), tile_sums() + stride + jit::offset(tile * kTileRows * kSumBytes + half * 64));
  }

  void multiply_step(int tiles, const Xbyak::Reg64& stride) {
    a.tileloadd(rows(0), a.ptr[row_pointer(0) + c_.r.row_stride]);
    for (int half = 0; half < 2; ++half) {
      a.tileloadd(columns(half), a.ptr[c_.r.weights + stride + jit::offset(half * 64)]);
      a.tdpbf16ps(sum(0, half), rows(0), columns(half));
    }
    if (tiles == 2) {
      a.tileloadd(rows(1), a.ptr[row_pointer(1) + c_.r.row_stride]);
      for (int half = 0; half < 2; ++half) a.tdpbf16ps(sum(1, half), rows(1), columns(half));
    }
    for (int tile = 0; tile < tiles; ++tile) a.add(row_pointer(tile), kTileRowBytes);
    a.add(c_.r.weights, kWidenedStep / 2 * kWidenedPairBytes);
  }

  // Goes on to the next tiles; behind the last part, their rows are finished.
  void after_multiplying() {
    Xbyak::Label finish;
    Xbyak::Label tile;
    Xbyak::Label done;
    a.cmp(local(kPart), static_cast<std::uint32_t>(parts_ - 1));
    a.je(finish, kNear);
    a.imul(a.rax, local(kTiles), kTileRows);
    a.add(tile_start(), a.rax);
    a.imul(a.rax, a.rax, kSumBytes);
    a.add(tile_sums(), a.rax);
    a.jmp(done, kNear);
    a.L(finish);
    a.L(tile);
    finish_rows();
    a.dec(local(kTiles));
    a.jnz(tile, kNear);
    a.L(done);
  }

  // The epilogue of the tile's own rows, one by one; goes on to the next tile.
  void finish_rows() {
    const TileRegisters tile(a, c_.spec.activation, c_.spec.weights, 1);
    Xbyak::Label loop;
    const Xbyak::Reg64& sums = c_.r.row_stride;  // lent
    first_row_of_tile(sums, 0, a.r11);
    a.mov(c_.r.tile_row, tile_start());
    a.add(c_.r.tile_row, local(kFirstRow));
    find_output();
    a.neg(sums);
    a.add(sums, c_.r.tile_row);  // rows of the tile that are not its own
    a.imul(sums, sums, kSumBytes);
    a.add(sums, tile_sums());
    a.add(tile_start(), kTileRows);
    a.add(tile_sums(), kTileRows * kSumBytes);
    a.L(loop);
    for (int v = 0; v < tile.vectors(); ++v)
      a.vmovups(tile.sum(0, v), a.ptr[sums + jit::offset(v * a.vector_bytes())]);
    emit_epilogue(c_, tile, 0);
    a.add(sums, kSumBytes);
    a.add(c_.r.output, static_cast<std::uint32_t>(c_.spec.output_stride * 4));
    a.inc(c_.r.tile_row);
    next_row(loop);
    a.mov(c_.r.row_stride, static_cast<std::uint32_t>(c_.activations.row_bytes));
  }

  // To `loop`, unless the tile or the rows end.
  void next_row(Xbyak::Label& loop) {
    a.mov(a.rax, tile_start());
    a.add(a.rax, local(kFirstRow));
    a.mov(a.rcx, local(kEndRow));
    a.cmp(a.rax, a.rcx);
    a.cmovg(a.rax, a.rcx);
    a.cmp(c_.r.tile_row, a.rax);
    a.jl(loop, kNear);
  }

  void find_output() {
    a.imul(c_.r.output, c_.r.block, halves_columns(c_.spec.epilogue) ? kSumBytes / 2 : kSumBytes);
    a.add(c_.r.output, c_.argument(offsetof(GemmArguments, output)));
    a.imul(a.rax, c_.r.tile_row, static_cast<int>(c_.spec.output_stride * 4));
    a.add(c_.r.output, a.rax);
  }

  jit::Assembler a;
  GemmContext c_;
  bool widens_;
  int part_inputs_;
  int parts_;
};

}  // namespace

jit::CodeImage emit_amx_gemm(const GemmSpec& spec, const jit::Target& target) {
  return AmxGemm(spec, target).emit();
}

}  // namespace burin::kernels
