// Emits the values of a block's weights as f32, input by input, whatever their format.
#pragma once

#include <array>
#include <functional>

#include "templates/gemm/float8_decoder.hpp"
#include "templates/gemm/gemm_emitter.hpp"
#include "templates/gemm/scale_loader.hpp"
#include "templates/gemm/table_bytes.hpp"

namespace burin::kernels {

// What becomes of the values. Inputs are counted from the start of a step, which is as many as one body of a loop.
struct WeightUse {
  // Where the value of an input goes, for each of the tile's column vectors.
  std::function<jit::Vector(int input, int vector)> target;
  // All vectors of the input are in their targets.
  std::function<void(int input)> use;
  // Behind a step.
  std::function<void(int inputs)> end_step;
};

class WeightValues {
 public:
  WeightValues(const GemmContext& context, const TileRegisters& tile, int pass, const WeightUse& use)
      : c_(context),
        a(context.a),
        tile_(tile),
        pass_(pass),
        use_(use),
        decoder_(context.a, context.spec.weights),
        float8_(context.a, context.spec.weights),
        table_(context.a, context.spec.weights),
        two_level_(context, tile, pass) {}

  // Inputs of a step: 32 of formats with codes, 8 of floats.
  static int step_inputs(const WeightFormat& weights) { return weights.has_codes() ? 32 : kFloatPadding; }
  // What r.groups_left counts: groups, superblocks, or 8 inputs of floats.
  static int unit_inputs(const GemmContext& context) {
    return context.spec.weights.has_codes() ? static_cast<int>(context.packed.unit_inputs) : kFloatPadding;
  }

  // Emits the loop over r.groups_left units, at least one, from r.weights on, which it leaves behind them. r.free and
  // r.scales are overwritten.
  void emit();

 private:
  void groups();
  void superblock_step();
  void floats();
  void load_two_level_scales(int group);
  void coded_quad(int quad);
  void float8_quad(int quad);
  void dequantize(int vector, int byte, jit::Vector to);
  void convert(jit::Vector to, int vector);
  void load_float(int vector, int input, jit::Vector to);
  bool is_byte_table() const { return c_.spec.weights.is_table() && !looks_up_floats(a, c_.spec.weights); }
  void load_group_scales(int group);
  void scale_for_codes(jit::Vector scale);
  std::array<float, 16> float_table() const;
  int code_bytes() const { return 32 * 4 * c_.spec.weights.bits; }  // of a step

  const GemmContext& c_;
  jit::Assembler& a;
  const TileRegisters& tile_;
  int pass_;
  const WeightUse& use_;
  CodeDecoder decoder_;
  Float8Decoder float8_;
  TableBytes table_;
  TwoLevelScales two_level_;
};

}  // namespace burin::kernels
