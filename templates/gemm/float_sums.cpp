// Sums of an f32 tile: weights are dequantised in registers, products added up in f32.
#include "templates/gemm/gemm_emitter.hpp"
#include "templates/gemm/weight_values.hpp"

namespace burin::kernels {
namespace {

class FloatSums {
 public:
  FloatSums(const GemmContext& context, const TileRegisters& tile, int pass, const WeightPrefetch& prefetch)
      : c_(context),
        a(context.a),
        tile_(tile),
        pass_(pass),
        prefetch_(context, prefetch, WeightValues::step_inputs(context.spec.weights)) {}

  void emit() {
    for (int row = 0; row < tile_.rows(); ++row)
      for (int v = 0; v < tile_.vectors(); ++v) a.zero(tile_.sum(row, v));
    const WeightUse use = {[&](int /*input*/, int v) { return tile_.weight(v); },
                           [&](int input) { multiply(input); },
                           [&](int inputs) { c_.advance_rows(tile_.rows(), inputs * 4); }};
    const auto units = c_.packed.padded_inputs / WeightValues::unit_inputs(c_);
    a.mov(c_.r.groups_left, static_cast<std::uint32_t>(units));
    WeightValues(c_, tile_, pass_, use).emit();
    emit_sum_factors(c_, tile_, pass_);
  }

 private:
  void multiply(int input) {
    for (int row = 0; row < tile_.rows(); ++row) {
      const jit::Vector activation = tile_.broadcast(turn_++, {"activation", row});
      a.vbroadcastss(activation, a.dword[c_.row(row) + jit::offset(input * 4)]);
      for (int v = 0; v < tile_.vectors(); ++v) a.vfmadd231ps(tile_.sum(row, v), activation, tile_.weight(v));
    }
    prefetch_.step();
  }

  const GemmContext& c_;
  jit::Assembler& a;
  const TileRegisters& tile_;
  int pass_;
  PrefetchSchedule prefetch_;
  int turn_ = 0;
};

}  // namespace

void emit_float_sums(const GemmContext& context, const TileRegisters& tile, int pass,
                     const WeightPrefetch& prefetch) {
  FloatSums(context, tile, pass, prefetch).emit();
}

}  // namespace burin::kernels
