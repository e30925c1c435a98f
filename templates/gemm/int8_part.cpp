#include "templates/gemm/int8_part.hpp"

#include <algorithm>

#include "templates/gemm/gemm_emitter.hpp"
#include "templates/gemm/scale_loader.hpp"
#include "templates/gemm/table_bytes.hpp"

namespace burin::kernels {
namespace {

constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;
constexpr int kStep = 32;
constexpr int kQuads = kStep / 4;

class Int8Part {
 public:
  explicit Int8Part(const GemmContext& context)
      : c_(context),
        a(context.a),
        tile_(context.a, Activation::s8, context.spec.weights, 1),
        decoder_(context.a, context.spec.weights),
        table_(context.a, context.spec.weights, 1),
        two_level_(context, tile_, 0) {}

  void emit() {
    if (tile_.has_mask()) decoder_.keep_mask_in(tile_.mask());
    if (tile_.has_tables()) table_.keep_in(tile_.table(0), 0);
    if (c_.spec.weights.is_two_level())
      superblocks();
    else
      groups();
  }

 private:
  // A weight group has one scale for all of its activation groups; two weight groups of 16 inputs are a unit.
  void groups() {
    const auto unit_inputs = static_cast<int>(c_.packed.unit_inputs);
    const int inputs = std::max(c_.activations.group, kStep);  // of the inner loop
    Xbyak::Label unit;
    Xbyak::Label loop;
    a.L(unit);
    a.lea(c_.r.scales, a.ptr[c_.r.weights + jit::offset(code_bytes(unit_inputs))]);
    a.mov(c_.r.free, static_cast<std::uint32_t>(unit_inputs / inputs));
    a.L(loop);
    if (groups_per_step(c_.spec.weights) == 2)
      for (int group = 0; group < 2; ++group) group_of_step(group);
    else
      activation_group();
    a.add(c_.r.weights, static_cast<std::uint32_t>(code_bytes(inputs)));
    a.dec(c_.r.free);
    a.jnz(loop, kNear);
    const int scale_bytes = static_cast<int>(c_.packed.unit_bytes) - code_bytes(unit_inputs);
    a.add(c_.r.weights, static_cast<std::uint32_t>(scale_bytes));
    a.dec(c_.r.groups_left);
    a.jnz(unit, kNear);
  }

  void activation_group() {
    for (int step = 0; step < c_.activations.group / kStep; ++step)
      for (int quad = 0; quad < kQuads; ++quad)
        unpack(jit::offset(step * code_bytes(kStep)), quad, step * kQuads + quad);
    end_group(0);
  }

  void superblocks() {
    Xbyak::Label superblock;
    Xbyak::Label step;
    a.L(superblock);
    two_level_.convert_factors(tile_.scale(0));
    a.add(c_.r.weights, static_cast<std::uint32_t>(two_level_.header_bytes()));
    a.mov(c_.r.free, static_cast<std::uint32_t>(kSuperblock / kStep));
    a.L(step);
    for (int group = 0; group < groups_per_step(c_.spec.weights); ++group) group_of_step(group);
    a.add(c_.r.weights, static_cast<std::uint32_t>(two_level_.step_bytes()));
    a.dec(c_.r.free);
    a.jnz(step, kNear);
    a.dec(c_.r.groups_left);
    a.jnz(superblock, kNear);
  }

  void group_of_step(int group) {
    const int quads = kQuads / groups_per_step(c_.spec.weights);
    for (int i = 0; i < quads; ++i) unpack(0, group * quads + i, i);
    end_group(group);
  }

  int code_bytes(int inputs) const { return inputs * 4 * c_.spec.weights.bits; }

  // Quad `quad` of the 32 inputs `displacement` behind r.weights, to that row of the group.
  void unpack(std::size_t displacement, int quad, int row) {
    for (int v = 0; v < tile_.vectors(); ++v) {
      const jit::Vector code = tile_.code(v);
      decoder_.decode(code, c_.r.weights + displacement + jit::offset(v * a.vector_bytes()), quad,
                      tile_.scratch());
      if (c_.spec.weights.is_table()) table_.look_up(code, code, 0, tile_.scratch());
      if (const auto zero = static_cast<std::uint32_t>(c_.spec.weights.zero_point()); zero > 0)
        a.vpsubb(code, code, a.vector_constant(zero * 0x01010101u));
      a.vmovups(a.ptr[c_.r.row + jit::offset(row * kInt8QuadBytes + v * a.vector_bytes())], code);
    }
  }

  // Stores scales and minimums of the group, which is one of the step's, and goes on behind it.
  void end_group(int group) {
    store_scales(ScaleArray::scales, group);
    if (!c_.spec.weights.symmetric) store_scales(ScaleArray::minimums, group);
    a.add(c_.r.row, static_cast<std::uint32_t>(int8_group_bytes(c_.spec)));
  }

  void store_scales(ScaleArray array, int group) {
    const int behind_codes = c_.activations.group / 4 * kInt8QuadBytes;
    for (int v = 0; v < tile_.vectors(); ++v) {
      if (c_.spec.weights.is_two_level())
        two_level_.load(group, array, v, tile_.scale(v));
      else
        load_scales(c_, tile_, 0, group, v, array, tile_.scale(v));
      const int place = static_cast<int>(array) * kBlockColumns * 4 + v * a.vector_bytes();
      a.vmovups(a.ptr[c_.r.row + jit::offset(behind_codes + place)], tile_.scale(v));
    }
  }

  const GemmContext& c_;
  jit::Assembler& a;
  TileRegisters tile_;
  CodeDecoder decoder_;
  TableBytes table_;
  TwoLevelScales two_level_;
};

}  // namespace

void emit_int8_part(const GemmContext& context) { Int8Part(context).emit(); }

}  // namespace burin::kernels
