#include "templates/gemm/amx_loops.hpp"

#include "jit/error.hpp"

namespace burin::kernels {
namespace {

constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;

// Stack slots.
constexpr int kFirstRow = 0;     // of the rows that are multiplied
constexpr int kEndRow = 8;       // behind them
constexpr int kFirstBlock = 16;  // of the group
constexpr int kEndBlock = 24;    // behind it
constexpr int kPart = 32;        // number of the part of the inputs
constexpr int kTiles = 40;       // that are to be finished
static_assert(kTiles + 8 <= kStepsLeft);

}  // namespace

void AmxLoops::emit() {
  const jit::RoleScope scope(a);
  Xbyak::Label loop;
  a.mov(a.rcx, c_.argument(offsetof(GemmArguments, rows)));
  emit_tile_configuration(a, shapes(), kConfiguration, a.rcx);
  a.mov(c_.r.row_stride, static_cast<std::uint32_t>(c_.activations.row_bytes));
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
  a.tilerelease();
}

void AmxLoops::groups_of_blocks() {
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

void AmxLoops::parts_of_inputs() {
  Xbyak::Label loop;
  a.mov(local(kPart), 0);
  a.L(loop);
  blocks();
  a.inc(local(kPart));
  a.cmp(local(kPart), static_cast<std::uint32_t>(parts_.count));
  a.jl(loop, kNear);
}

void AmxLoops::blocks() {
  Xbyak::Label loop;
  a.mov(c_.r.block, local(kFirstBlock));
  a.L(loop);
  find_part();
  unpack_part();
  tiles_of_rows();
  a.inc(c_.r.block);
  a.cmp(c_.r.block, local(kEndBlock));
  a.jl(loop, kNear);
}

// part() = the packed part of the block.
void AmxLoops::find_part() {
  if (c_.packed.block_bytes > INT32_MAX) fail("gemm: {} inputs are too many", c_.spec.inputs);
  a.imul(part(), c_.r.block, static_cast<int>(c_.packed.block_bytes));
  a.add(part(), c_.argument(offsetof(GemmArguments, weights)));
  a.imul(a.rax, local(kPart), parts_.units * parts_.unit_bytes);
  a.add(part(), a.rax);
}

void AmxLoops::of_part(const Xbyak::Reg64& to, int whole, int last) {
  a.mov(to.cvt32(), static_cast<std::uint32_t>(last));
  if (parts_.count == 1 || whole == last) return;
  a.mov(a.eax, static_cast<std::uint32_t>(whole));
  a.cmp(local(kPart), static_cast<std::uint32_t>(parts_.count - 1));
  a.cmovl(to, a.rax);
}

void AmxLoops::multiply_tiles(int tiles) {
  multiply(tiles);
  a.mov(local(kTiles), static_cast<std::uint32_t>(tiles));
}

void AmxLoops::tiles_of_rows() {
  Xbyak::Label loop;
  Xbyak::Label one;
  Xbyak::Label next;
  start_tiles();
  a.L(loop);
  a.lea(a.rax, a.ptr[tile_start() + kTileRows]);
  a.add(a.rax, local(kFirstRow));
  a.cmp(a.rax, local(kEndRow));
  a.jge(one, kNear);
  multiply_tiles(most_tiles());
  a.jmp(next, kNear);
  a.L(one);
  multiply_tiles(1);
  a.L(next);
  after_multiplying();
  a.mov(a.rax, tile_start());
  a.add(a.rax, local(kFirstRow));
  a.cmp(a.rax, local(kEndRow));
  a.jl(loop, kNear);
}

void AmxLoops::start_tiles() {
  a.mov(tile_sums(), c_.r.block);
  a.sub(tile_sums(), local(kFirstBlock));
  a.imul(tile_sums(), tile_sums(), kAmxRows * kSumBytes);
  a.add(tile_sums(), c_.argument(offsetof(GemmArguments, scratch)));
  a.add(tile_sums(), static_cast<std::uint32_t>(parts_.bytes));
  a.xor_(tile_start(), tile_start());
}

void AmxLoops::find_rows(const Xbyak::Reg64& to, int tile, int part_bytes) {
  first_row_of_tile(to, tile);
  a.imul(to, to, static_cast<int>(c_.activations.row_bytes));
  a.add(to, c_.argument(offsetof(GemmArguments, activations)));
  const jit::RoleScope scope(a);
  const Xbyak::Reg64 behind = a.name(a.r11, "behind");
  a.imul(behind, local(kPart), part_bytes);
  a.add(to, behind);
}

void AmxLoops::start_sums(const std::function<void()>& start, const std::function<void()>& go_on) {
  Xbyak::Label first;
  Xbyak::Label started;
  if (parts_.count > 1) {
    a.cmp(local(kPart), 0);
    a.je(first, kNear);
    go_on();
    a.jmp(started, kNear);
  }
  a.L(first);
  start();
  a.L(started);
}

// to = number of the first row of the tile that many tiles behind tile_start(). r11 is overwritten.
void AmxLoops::first_row_of_tile(const Xbyak::Reg64& to, int tile) {
  const jit::RoleScope scope(a);
  const Xbyak::Reg64 free = a.name(a.r11, "last_start");
  a.lea(to, a.ptr[tile_start() + jit::offset(tile * kTileRows)]);
  a.add(to, local(kFirstRow));
  a.mov(free, local(kEndRow));
  a.sub(free, kTileRows);
  a.cmp(to, free);
  a.cmovg(to, free);
  a.cmp(to, local(kFirstRow));
  a.cmovl(to, local(kFirstRow));
}

// Goes on to the next tiles; behind the last part, their rows are finished.
void AmxLoops::after_multiplying() {
  Xbyak::Label finish;
  Xbyak::Label tile;
  Xbyak::Label done;
  a.cmp(local(kPart), static_cast<std::uint32_t>(parts_.count - 1));
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
void AmxLoops::finish_rows() {
  const TileRegisters tile(a, c_.spec.activation, c_.spec.weights, 1);
  Xbyak::Label loop;
  const jit::RoleScope scope(a);
  const Xbyak::Reg64 sums = a.name(c_.r.row_stride, "sums");  // lent
  first_row_of_tile(sums, 0);
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
  find_factors(c_);
  find_row_factor();
  emit_sum_factors(c_, tile, 0);
  emit_epilogue(c_, tile, 0);
  a.add(sums, kSumBytes);
  a.add(c_.r.output, static_cast<std::uint32_t>(c_.spec.output_stride * 4));
  a.inc(c_.r.tile_row);
  next_row(loop);
  a.mov(c_.r.row_stride, static_cast<std::uint32_t>(c_.activations.row_bytes));
}

// r.row = the factor behind row r.tile_row, where there is one.
void AmxLoops::find_row_factor() {
  if (!c_.activations.has_row_factor()) return;
  a.imul(c_.r.row, c_.r.tile_row, static_cast<int>(c_.activations.row_bytes));
  a.add(c_.r.row, c_.argument(offsetof(GemmArguments, activations)));
  a.add(c_.r.row, static_cast<std::uint32_t>(c_.activations.value_bytes()));
}

// To `loop`, unless the tile or the rows end.
void AmxLoops::next_row(Xbyak::Label& loop) {
  a.mov(a.rax, tile_start());
  a.add(a.rax, local(kFirstRow));
  a.mov(a.rcx, local(kEndRow));
  a.cmp(a.rax, a.rcx);
  a.cmovg(a.rax, a.rcx);
  a.cmp(c_.r.tile_row, a.rax);
  a.jl(loop, kNear);
}

void AmxLoops::find_output() {
  a.imul(c_.r.output, c_.r.block, halves_columns(c_.spec.epilogue) ? kSumBytes / 2 : kSumBytes);
  a.add(c_.r.output, c_.argument(offsetof(GemmArguments, output)));
  a.imul(a.rax, c_.r.tile_row, static_cast<int>(c_.spec.output_stride * 4));
  a.add(c_.r.output, a.rax);
}

}  // namespace burin::kernels
