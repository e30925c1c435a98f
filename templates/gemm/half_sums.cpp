// Sums of a bf16 or f16 tile: products of two inputs at a time with weights widened to pairs (unpacked_shape.hpp).
//
//   bf16   vdpbf16ps adds both products of a pair to the f32 sum
//   f16    vfmadd231ph adds each to an f16 sum of its own, which hold 32 products each before they are added to the
//          f32 sum: by a count of roundings, less is lost than by rounding factors to bf16
#include "templates/gemm/gemm_emitter.hpp"
#include "templates/gemm/unpacked_shape.hpp"

namespace burin::kernels {
namespace {

constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;

class HalfSums {
 public:
  HalfSums(const GemmContext& context, const TileRegisters& tile)
      : c_(context),
        a(context.a),
        tile_(tile),
        steps_(static_cast<std::uint32_t>(widened_inputs(context.packed) / kWidenedStep)) {}

  void emit() {
    for (int row = 0; row < tile_.rows(); ++row)
      for (int v = 0; v < tile_.vectors(); ++v) a.zero(tile_.sum(row, v));
    a.mov(c_.r.groups_left, steps_);
    if (c_.spec.activation == Activation::f16)
      runs_of_steps();
    else
      loop(c_.r.groups_left);
    find_factors(c_);
    emit_sum_factors(c_, tile_, 0);
  }

 private:
  // Whose products are added in f16: 32 of each of a pair.
  static constexpr std::uint32_t kStepsOfRun = 2;

  // `count` steps of 32 inputs, at least one.
  void loop(const Xbyak::Reg64& count) {
    Xbyak::Label step;
    a.align(64);
    a.L(step);
    for (int pair = 0; pair < kWidenedStep / 2; ++pair) multiply_pair(pair);
    c_.advance_rows(tile_.rows(), kWidenedStep * 2);
    a.add(c_.r.weights, static_cast<std::uint32_t>(kWidenedStep / 2 * kWidenedPairBytes));
    a.dec(count);
    a.jnz(step, kNear);
  }

  void multiply_pair(int pair) {
    for (int v = 0; v < tile_.vectors(); ++v)
      a.vmovups(tile_.weight(v),
                a.ptr[c_.r.weights + jit::offset(pair * kWidenedPairBytes + v * a.vector_bytes())]);
    for (int row = 0; row < tile_.rows(); ++row) {
      const jit::Vector activations = tile_.broadcast(turn_++, {"activations", row});
      a.vpbroadcastd(activations, a.dword[c_.row(row) + jit::offset(pair * 4)]);
      for (int v = 0; v < tile_.vectors(); ++v)
        if (c_.spec.activation == Activation::f16)
          a.vfmadd231ph(tile_.dot(row, v), tile_.weight(v), activations);
        else
          a.vdpbf16ps(tile_.sum(row, v), tile_.weight(v), activations);
    }
  }

  void runs_of_steps() {
    const Xbyak::Reg64 steps = a.name(c_.r.free, "steps");
    Xbyak::Label run;
    Xbyak::Label whole;
    a.L(run);
    for (int row = 0; row < tile_.rows(); ++row)
      for (int v = 0; v < tile_.vectors(); ++v) a.zero(tile_.dot(row, v));
    a.mov(steps.cvt32(), kStepsOfRun);
    if (steps_ % kStepsOfRun != 0) {
      a.cmp(c_.r.groups_left, steps);
      a.cmovl(steps, c_.r.groups_left);
    }
    a.sub(c_.r.groups_left, steps);
    loop(steps);
    for (int row = 0; row < tile_.rows(); ++row)
      for (int v = 0; v < tile_.vectors(); ++v) add_halves(row, v);
    a.test(c_.r.groups_left, c_.r.groups_left);
    a.jnz(run, kNear);
  }

  // sum += both halves of the dwords of dot
  void add_halves(int row, int v) {
    const jit::Vector dot = tile_.dot(row, v);
    const Xbyak::Ymm halves(dot.getIdx());
    a.vpsrld(tile_.scratch(), dot, 16);
    a.vaddph(dot, dot, tile_.scratch());
    a.vpmovdw(halves, Xbyak::Zmm(dot.getIdx()));
    a.vcvtph2ps(dot, halves);
    a.vaddps(tile_.sum(row, v), tile_.sum(row, v), dot);
  }

  const GemmContext& c_;
  jit::Assembler& a;
  const TileRegisters& tile_;
  std::uint32_t steps_;
  int turn_ = 0;
};

}  // namespace

void emit_half_sums(const GemmContext& context, const TileRegisters& tile) { HalfSums(context, tile).emit(); }

}  // namespace burin::kernels
