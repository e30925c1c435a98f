// Sums of an s8 tile: integer dot products per group, scaled and added up in f32.
#include "templates/gemm/gemm_emitter.hpp"
#include "templates/gemm/scale_loader.hpp"

namespace burin::kernels {
namespace {

constexpr int kInputsPerStep = 32;
constexpr int kQuads = 8;
constexpr int kGroupHeader = 8;  // correction and scale in front of an activation group

class Int8Sums {
 public:
  Int8Sums(const GemmContext& context, const TileRegisters& tile, int pass, int prefetch_lines)
      : c_(context),
        a(context.a),
        tile_(tile),
        pass_(pass),
        decoder_(context.a, context.spec.weights),
        activation_groups_(context.spec.weights.group / context.activations.group),
        prefetch_(context, prefetch_lines, context.activations.group / kInputsPerStep * kQuads) {}

  //   for each weight group
  //     for each activation group in it (one, unless weight groups are large)
  //       dots = correction; dots += codes * activations; sums += float(dots) * row scale * column scale
  void emit() {
    for (int row = 0; row < tile_.rows(); ++row)
      for (int v = 0; v < tile_.vectors(); ++v) a.zero(tile_.sum(row, v));
    if (tile_.has_mask()) decoder_.keep_mask_in(tile_.mask());

    a.mov(c_.r.groups_left, static_cast<std::uint32_t>(c_.packed.padded_inputs / c_.spec.weights.group));
    Xbyak::Label weight_group;
    a.align(64);
    a.L(weight_group);
    a.lea(c_.r.scales, a.ptr[c_.r.weights + jit::offset(code_bytes(c_.spec.weights.group))]);
    if (activation_groups_ == 1) {
      activation_group();
      a.add(c_.r.weights, static_cast<std::uint32_t>(c_.packed.group_bytes));
    } else {
      Xbyak::Label inner;
      a.mov(c_.r.free, static_cast<std::uint32_t>(activation_groups_));
      a.L(inner);
      activation_group();
      a.add(c_.r.weights, static_cast<std::uint32_t>(code_bytes(c_.activations.group)));
      a.dec(c_.r.free);
      a.jnz(inner, Xbyak::CodeGenerator::T_NEAR);
      a.add(c_.r.weights, static_cast<std::uint32_t>(scale_bytes()));
    }
    a.dec(c_.r.groups_left);
    a.jnz(weight_group, Xbyak::CodeGenerator::T_NEAR);
  }

 private:
  int code_bytes(int inputs) const { return inputs * 4 * c_.spec.weights.bits; }
  int scale_bytes() const {
    return static_cast<int>(c_.packed.group_bytes) - code_bytes(c_.spec.weights.group);
  }

  void activation_group() {
    start_dots();
    for (int step = 0; step < c_.activations.group / kInputsPerStep; ++step)
      for (int quad = 0; quad < kQuads; ++quad) {
        dot_quad(step, quad);
        prefetch_.step();
      }
    add_to_sums();
    c_.advance_rows(tile_.rows(), c_.activations.group_bytes());
  }

  void start_dots() {
    for (int row = 0; row < tile_.rows(); ++row) {
      if (c_.spec.weights.symmetric) {
        a.vpbroadcastd(tile_.dot(row, 0), a.dword[c_.row(row)]);
        for (int v = 1; v < tile_.vectors(); ++v) a.isa().copy(tile_.dot(row, v), tile_.dot(row, 0));
      } else {
        for (int v = 0; v < tile_.vectors(); ++v) a.zero(tile_.dot(row, v));
      }
    }
  }

  void decode(int vector, int step, int quad) {
    const Xbyak::RegExp inputs =
        c_.r.weights +
        jit::offset(code_bytes(kInputsPerStep) * step + tile_.block_vector(pass_, vector) * a.vector_bytes());
    decoder_.decode(tile_.code(vector), inputs, quad, tile_.scratch());
    if (code_parts(a, c_.spec.weights) == 2) {
      a.isa().bit_and(tile_.code(vector, 1), tile_.code(vector), a.vector_constant(0x80808080));
      a.isa().bit_and(tile_.code(vector), tile_.code(vector), a.vector_constant(0x7f7f7f7f));
    }
  }

  void broadcast_quad(jit::Vector to, int row, int step, int quad) {
    const int inputs_before = step * kInputsPerStep + quad * 4;
    a.vpbroadcastd(to, a.dword[c_.row(row) + jit::offset(kGroupHeader + inputs_before)]);
  }

  void dot(int row, int vector, jit::Vector activations) {
    for (int part = 0; part < code_parts(a, c_.spec.weights); ++part)
      a.isa().dot_bytes(tile_.dot(row, vector), tile_.code(vector, part), activations, tile_.scratch());
  }

  void dot_quad(int step, int quad) {
    if (tile_.rows() == 1) {  // codes share two registers: use each at once
      const jit::Vector activations = tile_.broadcast(turn_++);
      broadcast_quad(activations, 0, step, quad);
      for (int v = 0; v < tile_.vectors(); ++v) {
        decode(v, step, quad);
        dot(0, v, activations);
      }
      return;
    }
    for (int v = 0; v < tile_.vectors(); ++v) decode(v, step, quad);
    for (int row = 0; row < tile_.rows(); ++row) {
      const jit::Vector activations = tile_.broadcast(turn_++);
      broadcast_quad(activations, row, step, quad);
      for (int v = 0; v < tile_.vectors(); ++v) dot(row, v, activations);
    }
  }

  void add_to_sums() {
    for (int row = 0; row < tile_.rows(); ++row) {
      const jit::Vector row_scale = tile_.broadcast(turn_++);
      a.vbroadcastss(row_scale, a.dword[c_.row(row) + jit::offset(4)]);
      for (int v = 0; v < tile_.vectors(); ++v) {
        a.vcvtdq2ps(tile_.dot(row, v), tile_.dot(row, v));
        a.vmulps(tile_.dot(row, v), tile_.dot(row, v), row_scale);
      }
    }
    for (int v = 0; v < tile_.vectors(); ++v) {
      load_scales(c_, tile_, pass_, v, ScaleArray::scales, tile_.scale(v));
      for (int row = 0; row < tile_.rows(); ++row)
        a.vfmadd231ps(tile_.sum(row, v), tile_.dot(row, v), tile_.scale(v));
    }
    if (!c_.spec.weights.symmetric) add_minimums();
  }

  void add_minimums() {
    for (int v = 0; v < tile_.vectors(); ++v) {
      load_scales(c_, tile_, pass_, v, ScaleArray::minimums, tile_.minimum(v));
      for (int row = 0; row < tile_.rows(); ++row) {
        const jit::Vector row_sum = tile_.broadcast(turn_++);
        a.vbroadcastss(row_sum, a.dword[c_.row(row)]);
        a.vfmadd231ps(tile_.sum(row, v), row_sum, tile_.minimum(v));
      }
    }
  }

  const GemmContext& c_;
  jit::Assembler& a;
  const TileRegisters& tile_;
  int pass_;
  CodeDecoder decoder_;
  int activation_groups_;
  PrefetchSchedule prefetch_;
  int turn_ = 0;
};

}  // namespace

void emit_int8_sums(const GemmContext& context, const TileRegisters& tile, int pass, int prefetch_lines) {
  Int8Sums(context, tile, pass, prefetch_lines).emit();
}

}  // namespace burin::kernels
