// Sums of an f32 tile: weights are dequantised in registers, products added up in f32.
#include "jit/error.hpp"
#include "templates/gemm/gemm_emitter.hpp"
#include "templates/gemm/scale_loader.hpp"
#include "templates/gemm/table_bytes.hpp"

namespace burin::kernels {
namespace {

constexpr int kInputsPerStep = 32;
constexpr int kQuads = 8;
constexpr int kFloatUnroll = 8;  // float formats are padded to this many inputs

class FloatSums {
 public:
  FloatSums(const GemmContext& context, const TileRegisters& tile, int pass, const WeightPrefetch& prefetch)
      : c_(context),
        a(context.a),
        tile_(tile),
        pass_(pass),
        decoder_(context.a, context.spec.weights),
        table_(context.a, context.spec.weights, 1),
        two_level_(context, tile, pass),
        prefetch_(context, prefetch, context.spec.weights.has_codes() ? kInputsPerStep : kFloatUnroll) {}

  void emit() {
    for (int row = 0; row < tile_.rows(); ++row)
      for (int v = 0; v < tile_.vectors(); ++v) a.zero(tile_.sum(row, v));
    if (tile_.has_mask() && c_.spec.weights.has_codes()) decoder_.keep_mask_in(tile_.mask());
    if (tile_.has_tables()) table_.keep_in(tile_.table(0), 0);
    if (c_.spec.weights.is_two_level())
      two_level_weights();
    else if (c_.spec.weights.has_codes())
      coded_weights();
    else
      float_weights();
    emit_step_size(c_, tile_);
  }

 private:
  // --- weights with codes: groups of scales, 32 inputs at a time

  void coded_weights() {
    const int group = c_.spec.weights.group;
    a.mov(c_.r.groups_left, static_cast<std::uint32_t>(c_.packed.padded_inputs / group));
    Xbyak::Label weight_group;
    Xbyak::Label step;
    a.align(64);
    a.L(weight_group);
    a.lea(c_.r.scales, a.ptr[c_.r.weights + jit::offset(group * 4 * c_.spec.weights.bits)]);
    for (int v = 0; v < tile_.vectors(); ++v) {
      load_scales(c_, tile_, pass_, v, ScaleArray::scales, tile_.scale(v));
      if (!c_.spec.weights.symmetric)
        load_scales(c_, tile_, pass_, v, ScaleArray::minimums, tile_.minimum(v));
    }
    a.mov(c_.r.free, static_cast<std::uint32_t>(group / kInputsPerStep));
    a.L(step);
    for (int quad = 0; quad < kQuads; ++quad) coded_quad(quad);
    c_.advance_rows(tile_.rows(), kInputsPerStep * 4);
    a.add(c_.r.weights, static_cast<std::uint32_t>(step_bytes()));
    a.dec(c_.r.free);
    a.jnz(step, Xbyak::CodeGenerator::T_NEAR);
    a.add(c_.r.weights, static_cast<std::uint32_t>(static_cast<int>(c_.packed.unit_bytes) -
                                                   step_bytes() * group / kInputsPerStep));
    a.dec(c_.r.groups_left);
    a.jnz(weight_group, Xbyak::CodeGenerator::T_NEAR);
  }

  // --- two-level scales: superblocks of 256 inputs, 32 at a time, one or two groups in them

  void two_level_weights() {
    Xbyak::Label superblock;
    Xbyak::Label step;
    a.mov(c_.r.groups_left, static_cast<std::uint32_t>(c_.packed.padded_inputs / kSuperblock));
    a.align(64);
    a.L(superblock);
    two_level_.convert_factors(tile_.scale(0));
    a.add(c_.r.weights, static_cast<std::uint32_t>(two_level_.header_bytes()));
    a.mov(c_.r.free, static_cast<std::uint32_t>(kSuperblock / kInputsPerStep));
    a.L(step);
    const int quads = kQuads / two_level_.groups_per_step();
    for (int quad = 0; quad < kQuads; ++quad) {
      if (quad % quads == 0) load_two_level_scales(quad / quads);
      coded_quad(quad);
    }
    c_.advance_rows(tile_.rows(), kInputsPerStep * 4);
    a.add(c_.r.weights, static_cast<std::uint32_t>(two_level_.step_bytes()));
    a.dec(c_.r.free);
    a.jnz(step, Xbyak::CodeGenerator::T_NEAR);
    a.dec(c_.r.groups_left);
    a.jnz(superblock, Xbyak::CodeGenerator::T_NEAR);
  }

  void load_two_level_scales(int group) {
    for (int v = 0; v < tile_.vectors(); ++v) {
      two_level_.load(group, ScaleArray::scales, v, tile_.scale(v));
      if (!c_.spec.weights.symmetric) two_level_.load(group, ScaleArray::minimums, v, tile_.minimum(v));
    }
  }

  bool is_byte_table() const { return c_.spec.weights.is_table() && !c_.spec.weights.is_float_table(); }
  int step_bytes() const { return kInputsPerStep * 4 * c_.spec.weights.bits; }

  void coded_quad(int quad) {
    for (int v = 0; v < tile_.vectors(); ++v) {
      const Xbyak::RegExp inputs =
          c_.r.weights + jit::offset(tile_.block_vector(pass_, v) * a.vector_bytes());
      decoder_.decode(tile_.code(v), inputs, quad, tile_.scratch());
      if (is_byte_table()) table_.look_up(tile_.code(v), tile_.code(v), 0, tile_.scratch());
    }
    for (int byte = 0; byte < 4; ++byte) {
      for (int v = 0; v < tile_.vectors(); ++v) dequantize(v, byte);
      multiply(quad * 4 + byte);
    }
  }

  // weight(v) = value of one byte of the codes.
  void dequantize(int v, int byte) {
    const jit::Vector w = tile_.weight(v);
    if (c_.spec.weights.is_float_table()) {
      look_up_value(v, byte);
      return;
    }
    if (byte > 0) a.vpsrld(w, tile_.code(v), static_cast<std::uint8_t>(8 * byte));
    if (byte < 3) a.isa().bit_and(w, byte > 0 ? w : tile_.code(v), a.vector_constant(0xff));
    if (c_.spec.weights.symmetric) {
      a.vpsubd(w, w, a.vector_constant(static_cast<std::uint32_t>(c_.spec.weights.zero_point())));
      a.vcvtdq2ps(w, w);
      a.vmulps(w, w, tile_.scale(v));
    } else {
      a.vcvtdq2ps(w, w);
      a.vfmadd213ps(w, tile_.scale(v), tile_.minimum(v));
    }
  }

  // Codes of the bytes above do no harm: only the lowest four bits of a lane are looked at.
  void look_up_value(int v, int byte) {
    const jit::Vector w = tile_.weight(v);
    if (byte > 0) a.vpsrld(w, tile_.code(v), static_cast<std::uint8_t>(8 * byte));
    a.isa().look_up_floats(w, byte > 0 ? w : tile_.code(v), value_table(c_.spec.weights.table).values,
                           tile_.scratch(), tile_.look_up_scratch());
    a.vmulps(w, w, tile_.scale(v));
  }

  // --- float weights: eight inputs at a time

  void float_weights() {
    a.mov(c_.r.groups_left, static_cast<std::uint32_t>(c_.packed.padded_inputs / kFloatUnroll));
    Xbyak::Label loop;
    a.align(64);
    a.L(loop);
    for (int input = 0; input < kFloatUnroll; ++input) {
      for (int v = 0; v < tile_.vectors(); ++v) load_weight(v, input);
      multiply(input);
    }
    c_.advance_rows(tile_.rows(), kFloatUnroll * 4);
    a.add(c_.r.weights, static_cast<std::uint32_t>(kFloatUnroll * kBlockColumns * c_.spec.weights.bits / 8));
    a.dec(c_.r.groups_left);
    a.jnz(loop, Xbyak::CodeGenerator::T_NEAR);
  }

  void load_weight(int v, int input) {
    const jit::Vector w = tile_.weight(v);
    const int vector = tile_.block_vector(pass_, v);
    const int row_bytes = kBlockColumns * c_.spec.weights.bits / 8;
    const auto at = [&](int displacement) { return a.ptr[c_.r.weights + jit::offset(displacement)]; };
    switch (c_.spec.weights.kind) {
      case WeightKind::f32: a.vmovups(w, at(input * row_bytes + vector * a.vector_bytes())); break;
      case WeightKind::f16: a.vcvtph2ps(w, at(input * row_bytes + vector * a.vector_bytes() / 2)); break;
      case WeightKind::bf16: {  // pairs of inputs in a dword
        a.vmovups(w, at(input / 2 * 2 * row_bytes + vector * a.vector_bytes()));
        if (input % 2 == 0)
          a.vpslld(w, w, 16);
        else
          a.isa().bit_and(w, w, a.vector_constant(0xffff0000));
        break;
      }
      default: fail("gemm: weights {} are no float format", to_text(c_.spec.weights));
    }
  }

  void multiply(int input) {
    for (int row = 0; row < tile_.rows(); ++row) {
      const jit::Vector activation = tile_.broadcast(turn_++);
      a.vbroadcastss(activation, a.dword[c_.row(row) + jit::offset(input * 4)]);
      for (int v = 0; v < tile_.vectors(); ++v) a.vfmadd231ps(tile_.sum(row, v), activation, tile_.weight(v));
    }
    prefetch_.step();
  }

  const GemmContext& c_;
  jit::Assembler& a;
  const TileRegisters& tile_;
  int pass_;
  CodeDecoder decoder_;
  TableBytes table_;
  TwoLevelScales two_level_;
  PrefetchSchedule prefetch_;
  int turn_ = 0;
};

}  // namespace

void emit_float_sums(const GemmContext& context, const TileRegisters& tile, int pass,
                     const WeightPrefetch& prefetch) {
  FloatSums(context, tile, pass, prefetch).emit();
}

}  // namespace burin::kernels
