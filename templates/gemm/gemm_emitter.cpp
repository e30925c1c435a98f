// The frame of a dequant-GEMM kernel: prologue, loop over column blocks, loop over row tiles.
#include "templates/gemm/gemm_emitter.hpp"

#include <algorithm>
#include <bit>
#include <functional>
#include <vector>

#include "jit/error.hpp"
#include "jit/spec_text.hpp"
#include "templates/gemm/amx_loops.hpp"
#include "templates/gemm/tile_cost.hpp"
#include "templates/gemm/weight_values.hpp"
#include "templates/gemm/widened_part.hpp"
#include "templates/prepare/row_preparation.hpp"

namespace burin::kernels {
namespace {

constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;
constexpr int kFarAhead = 8192;  // bytes; hides memory latency at one core's full bandwidth
constexpr int kFetchingTiles =
    3;  // that share the next block: fewer of a larger part were 5 % slower at 16 rows

// Stack slots.
constexpr int kSmallTileRows = 0;
constexpr int kLargeTiles = 8;
constexpr int kTileNumber = 16;
constexpr int kPrefetchEnd = 24;
static_assert(kPrefetchEnd + 8 <= kStepsLeft);
constexpr int kLocals = kTwoLevelFactors;

// Loop bodies are short. On Zen 5, with two threads or one, those of a single row of 128 inputs took 1.08 to 1.12
// times as long as of 32, and those of six rows 1.02 to 1.04 times as long as of 64 (docs/PERFORMANCE.md).
constexpr int kInputsOfRowBody = 32;
constexpr int kInputsOfTileBody = 64;

int most_inputs_of_body(const GemmSpec& spec, const jit::Target& target) {
  if (uses_amx(spec, target)) return kLargestActivationGroup;
  return spec.regime == GemmRegime::stream ? kInputsOfRowBody : kInputsOfTileBody;
}

GemmContext context_of(jit::Assembler& a, const GemmSpec& spec, const jit::Target& target) {
  const ActivationRows rows = activation_rows(spec.activation, spec.inputs, spec.weights);
  const int part = part_of_group(rows.group, most_inputs_of_body(spec, target));
  return {a, spec, rows, part, packed_shape(spec.weights, spec.inputs, spec.columns), {a}};
}

class GemmEmitter {
 public:
  GemmEmitter(const GemmSpec& spec, const jit::Target& target)
      : a(target),
        c_(context_of(a, spec, target)),
        most_rows_(spec.regime == GemmRegime::stream ? 1
                                                     : cheapest_tile_rows(a, spec.activation, spec.weights)) {
  }

  jit::CodeImage emit() {
    const bool amx = uses_amx(c_.spec, a.target());
    const int factors = c_.spec.weights.is_two_level() ? TwoLevelScales::kStackBytes : 0;
    a.begin_frame(amx ? AmxLoops::kLocals : kLocals + factors, c_.r.arguments);
    if (is_stream())
      prepare_row();
    else
      split_rows_into_tiles();
    if (amx) rows_on_amx();
    if (!amx || is_int8(c_.spec.activation)) vectors();
    a.L(done_);
    a.end_frame();
    return a.finish(jit::spec_text(c_.spec));
  }

 private:
  void vectors() {
    a.mov(c_.r.row_stride, static_cast<std::uint32_t>(c_.activations.row_bytes));
    if (is_stream())
      blocks([&] { tile(1, {WeightPrefetch::From::far_ahead, lines_per_body()}); });
    else
      blocks_of_tiles();
  }

  // Goes on at done_, unless there are too few rows.
  void rows_on_amx() {
    if (is_half(c_.spec.activation)) return emit_amx_halves(c_);
    Xbyak::Label few;
    a.mov(c_.r.free, c_.argument(offsetof(GemmArguments, rows)));
    a.cmp(c_.r.free, kAmxLeastInt8Rows);
    a.jl(few, kNear);
    emit_amx_int8(c_);
    a.jmp(done_, kNear);
    a.L(few);
  }

  bool is_stream() const { return c_.spec.regime == GemmRegime::stream; }
  Xbyak::Address local(int slot) const { return a.qword[a.rsp + jit::offset(slot)]; }

  void prepare_row() {
    const RowPreparation preparation =
        row_preparation(c_.spec.inputs, c_.spec.weights, c_.spec.activation, c_.spec.norm);
    const jit::RoleScope scope(a);
    const RowPreparationRegisters registers =
        row_preparation_registers(a, a.dword[c_.r.arguments + offsetof(GemmArguments, epsilon)]);
    a.mov(registers.input, c_.argument(offsetof(GemmArguments, input)));
    a.mov(registers.output, c_.argument(offsetof(GemmArguments, activations)));
    a.mov(registers.norm_weight, c_.argument(offsetof(GemmArguments, norm_weight)));
    a.mov(registers.norm_bias, c_.argument(offsetof(GemmArguments, norm_bias)));
    emit_row_preparation(a, preparation, registers);
  }

  // Rows are split evenly (tile_cost.hpp): ceil(rows / most_rows) tiles whose sizes differ by at most one, the larger
  // first.
  void split_rows_into_tiles() {
    const jit::RoleScope scope(a);
    const Xbyak::Reg64 tiles = a.name(c_.r.groups_left, "tiles");
    const Xbyak::Reg64 rows = a.name(a.rax, "rows");
    const Xbyak::Reg64 rest = a.name(a.rdx, "rest");
    a.mov(rows, c_.argument(offsetof(GemmArguments, rows)));
    a.test(rows, rows);
    a.jle(done_, kNear);
    a.add(rows, static_cast<std::uint32_t>(most_rows_ - 1));
    a.xor_(rest.cvt32(), rest.cvt32());
    a.mov(tiles, static_cast<std::uint32_t>(most_rows_));
    a.div(tiles);
    a.mov(tiles, rows);
    a.mov(rows, c_.argument(offsetof(GemmArguments, rows)));
    a.xor_(rest.cvt32(), rest.cvt32());
    a.div(tiles);
    a.mov(local(kSmallTileRows), rows);
    a.mov(local(kLargeTiles), rest);
  }

  // One tile is bound by memory like a single row; of several, the first fetch the next block.
  void blocks_of_tiles() {
    if (is_half(c_.spec.activation))
      return blocks([&] {
        widen_block();
        tiles(1, [&](int rows) { tile(rows, {}); });
      });
    const WeightPrefetch own = {WeightPrefetch::From::far_ahead, lines_per_body()};
    if (c_.spec.activation == Activation::f32)  // bound by the multipliers many times over
      return blocks([&] { tiles(1, [&](int rows) { tile(rows, own); }); });
    Xbyak::Label several;
    a.mov(a.rax, c_.argument(offsetof(GemmArguments, rows)));
    a.cmp(a.rax, static_cast<std::uint32_t>(most_rows_));
    a.jg(several, kNear);
    blocks([&] { tiles(1, [&](int rows) { tile(rows, own); }); });
    a.L(several);
    blocks([&] {
      start_prefetch();
      // The smallest of two tiles is half of one more row than a tile has.
      tiles((most_rows_ + 1) / 2, [&](int rows) { tile_fetching_next_block(rows); });
    });
  }

  // body(rows) for the number in r.tile_rows, at least `least`.
  void for_tile_rows(int least, const std::function<void(int rows)>& body) {
    Xbyak::Label next;
    std::vector<Xbyak::Label> sizes(static_cast<std::size_t>(most_rows_) + 1);
    for (int rows = most_rows_; rows > least; --rows) {
      a.cmp(c_.r.tile_rows, static_cast<std::uint32_t>(rows));
      a.je(sizes[static_cast<std::size_t>(rows)], kNear);
    }
    for (int rows = least; rows <= most_rows_; ++rows) {
      a.L(sizes[static_cast<std::size_t>(rows)]);
      body(rows);
      if (rows < most_rows_) a.jmp(next, kNear);
    }
    a.L(next);
  }

  // Goes on at done_.
  void blocks(const std::function<void()>& rows_of_block) {
    Xbyak::Label loop;
    a.mov(c_.r.block, c_.argument(offsetof(GemmArguments, first_block)));
    a.L(loop);
    a.cmp(c_.r.block, c_.argument(offsetof(GemmArguments, last_block)));
    a.jge(done_, kNear);
    if (c_.packed.block_bytes > INT32_MAX) fail("gemm: {} inputs are too many", c_.spec.inputs);
    a.imul(c_.r.block_weights, c_.r.block, static_cast<int>(c_.packed.block_bytes));
    a.add(c_.r.block_weights, c_.argument(offsetof(GemmArguments, weights)));
    const int output_bytes = halves_columns(c_.spec.epilogue) ? 64 : 128;
    a.imul(c_.r.output, c_.r.block, output_bytes);
    a.add(c_.r.output, c_.argument(offsetof(GemmArguments, output)));
    a.xor_(c_.r.tile_row, c_.r.tile_row);
    rows_of_block();
    a.inc(c_.r.block);
    a.jmp(loop, kNear);
  }

  // Once for all rows, to the scratch, where its tiles find it.
  void widen_block() {
    if (!must_be_widened(c_.spec, c_.packed)) return;
    a.mov(c_.r.weights, c_.r.block_weights);
    a.mov(c_.r.block_weights, c_.argument(offsetof(GemmArguments, scratch)));
    a.mov(c_.r.row, c_.r.block_weights);
    const auto units = c_.packed.padded_inputs / WeightValues::unit_inputs(c_);
    a.mov(c_.r.groups_left, static_cast<std::uint32_t>(units));
    emit_widened_part(c_);
  }

  // The next block is prefetched to L2 while the first tiles of this one run; none after the last.
  void start_prefetch() {
    const jit::RoleScope scope(a);
    const Xbyak::Reg64 next_block = a.name(c_.r.groups_left, "next_block");
    const Xbyak::Reg64 end = a.name(c_.r.free, "prefetch_end");
    Xbyak::Label last;
    a.lea(c_.r.prefetch, a.ptr[c_.r.block_weights + c_.packed.block_bytes]);
    a.mov(end, c_.r.prefetch);
    a.lea(next_block, a.ptr[c_.r.block + 1]);
    a.cmp(next_block, c_.argument(offsetof(GemmArguments, last_block)));
    a.jge(last);
    a.add(end, static_cast<std::uint32_t>(c_.packed.block_bytes));
    a.L(last);
    a.mov(local(kPrefetchEnd), end);
  }

  // body(rows) for each tile of the block, of at least `least` rows.
  void tiles(int least, const std::function<void(int rows)>& body) {
    Xbyak::Label loop;
    a.mov(local(kTileNumber), 0);
    a.L(loop);
    find_tile_rows();
    for_tile_rows(least, body);
    a.add(c_.r.tile_row, c_.r.tile_rows);
    a.imul(c_.r.tile_rows, c_.r.tile_rows, static_cast<int>(c_.spec.output_stride * 4));
    a.add(c_.r.output, c_.r.tile_rows);
    a.cmp(c_.r.tile_row, c_.argument(offsetof(GemmArguments, rows)));
    a.jl(loop, kNear);
  }

  // Those of the tile at hand, the next time of the next tile.
  void find_tile_rows() {
    const jit::RoleScope scope(a);
    const Xbyak::Reg64 number = a.name(c_.r.free, "tile_number");
    const Xbyak::Reg64 one_more = a.name(c_.r.groups_left, "one_more");
    a.mov(c_.r.tile_rows, local(kSmallTileRows));
    a.mov(number, local(kTileNumber));
    a.xor_(one_more, one_more);
    a.cmp(number, local(kLargeTiles));
    a.setl(one_more.cvt8());
    a.add(c_.r.tile_rows, one_more);
    a.inc(local(kTileNumber));
  }

  void tile_fetching_next_block(int rows) {
    Xbyak::Label fetched;
    Xbyak::Label done;
    a.cmp(c_.r.prefetch, local(kPrefetchEnd));
    a.jge(fetched, kNear);
    tile(rows, {WeightPrefetch::From::next_block, (lines_per_body() + kFetchingTiles - 1) / kFetchingTiles});
    a.jmp(done, kNear);
    a.L(fetched);
    tile(rows, {});
    a.L(done);
  }

  void tile(int rows, const WeightPrefetch& prefetch) {
    const jit::RoleScope scope(a);
    const TileRegisters tile(a, c_.spec.activation, c_.spec.weights, rows);
    for (int pass = 0; pass < tile.passes(); ++pass) {
      a.imul(c_.r.row, c_.r.tile_row, static_cast<int>(c_.activations.row_bytes));
      a.add(c_.r.row, c_.argument(offsetof(GemmArguments, activations)));
      if (rows > 3) {
        a.lea(c_.r.row3, a.ptr[c_.r.row + c_.r.row_stride * 2]);
        a.add(c_.r.row3, c_.r.row_stride);
      }
      a.mov(c_.r.weights, c_.r.block_weights);
      if (pass == 0 && !is_stream() && c_.spec.epilogue == GemmEpilogue::add) prefetch_residual(rows);
      const WeightPrefetch of_pass = pass == 0 ? prefetch : WeightPrefetch();
      switch (c_.spec.activation) {
        case Activation::s8:
        case Activation::s8row: emit_int8_sums(c_, tile, pass, of_pass); break;
        case Activation::f32: emit_float_sums(c_, tile, pass, of_pass); break;
        case Activation::bf16:
        case Activation::f16: emit_half_sums(c_, tile); break;
      }
      emit_epilogue(c_, tile, pass);
    }
  }

  // The epilogue adds to rows that lie pages apart, where no CPU prefetches by itself.
  void prefetch_residual(int rows) {
    const jit::RoleScope scope(a);
    const Xbyak::Reg64 residual = a.name(c_.r.free, "residual");
    find_residual(c_, residual);
    for (int row = 0; row < rows; ++row)
      for (int line = 0; line < kBlockColumns * 4; line += 64)
        a.prefetcht0(a.ptr[residual + jit::offset(row * c_.spec.output_stride * 4 + line)]);
  }

  // Cache lines of weights read by one loop body: an activation group or its part, 32 inputs, or 8 inputs of floats.
  int lines_per_body() const {
    const WeightFormat& w = c_.spec.weights;
    if (!w.has_codes()) return 8 * kBlockColumns * w.bits / 8 / 64;
    if (w.is_two_level()) return (static_cast<int>(c_.packed.unit_bytes) / (kSuperblock / 32) + 63) / 64;
    const int inputs = c_.spec.activation == Activation::f32 ? 32 : std::max(32, c_.part);
    const auto bytes =
        static_cast<int>(static_cast<std::int64_t>(c_.packed.unit_bytes) * inputs / c_.packed.unit_inputs);
    return c_.spec.activation == Activation::f32 ? bytes / 64 : (bytes + 63) / 64;
  }

  jit::Assembler a;
  GemmContext c_;
  int most_rows_;
  Xbyak::Label done_;
};

void check(const GemmSpec& spec) {
  const auto refuse = [&](std::string_view why) { fail("kernel {}: {}", jit::spec_text(spec), why); };
  if (spec.inputs < 1 || spec.columns < 32 || spec.columns % kBlockColumns != 0)
    refuse("k must be at least 1 and n a positive multiple of 32");
  if (is_half(spec.activation) && spec.regime == GemmRegime::stream)
    refuse("a single row is bound by memory, whatever it is multiplied in: use a.f32");
  if (spec.regime == GemmRegime::tiles && spec.norm != RowNorm::none)
    refuse("tiles take prepared rows: use a prepare kernel for the norm");
  const bool has_function = spec.function != ActivationFunction::none;
  if (has_function != (spec.epilogue == GemmEpilogue::activate || spec.epilogue == GemmEpilogue::gate))
    refuse("out.activate and out.gate have a function f, the others have none");
  if (spec.epilogue == GemmEpilogue::rope_kv &&
      (spec.columns != spec.heads.blocks() * kBlockColumns || spec.heads.head_size % 2 != 0 ||
       spec.heads.query_heads % spec.heads.kv_heads != 0))
    refuse("heads do not fit the columns (see head_layout.hpp)");
  if (spec.epilogue == GemmEpilogue::rope_kv && spec.heads.kv == KvStorage::int8)
    refuse("an int8 cache needs whole heads, which an epilogue never sees: use out.store and a heads kernel");
}

}  // namespace

void PrefetchSchedule::step() {
  jit::Assembler& a = context_.a;
  ++step_;
  for (const int wanted = prefetch_.lines * step_ / steps_; done_ < wanted; ++done_) {
    if (prefetch_.from == WeightPrefetch::From::far_ahead)
      a.prefetch_once(a.ptr[context_.r.weights + jit::offset(kFarAhead + done_ * 64)]);
    else
      a.prefetcht1(a.ptr[context_.r.prefetch + jit::offset(done_ * 64)]);
  }
  if (step_ == steps_ && prefetch_.lines > 0 && prefetch_.from == WeightPrefetch::From::next_block)
    a.add(context_.r.prefetch, static_cast<std::uint32_t>(prefetch_.lines * 64));
}

jit::CodeImage emit_gemm(const GemmSpec& spec, const jit::Target& target) {
  check(spec);
  require_computes(target, spec.activation, spec.weights, jit::spec_text(spec));
  return GemmEmitter(spec, target).emit();
}

}  // namespace burin::kernels
