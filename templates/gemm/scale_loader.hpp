// Loads a weight group's scales or minimums for one column vector, as f32.
#pragma once

#include <functional>

#include "templates/gemm/float8_decoder.hpp"
#include "templates/gemm/gemm_emitter.hpp"

namespace burin::kernels {

enum class ScaleArray : std::uint8_t { scales = 0, minimums = 1 };

// That 32 inputs belong to, or a part of one.
inline int groups_per_step(const WeightFormat& weights) { return weights.group == 16 ? 2 : 1; }

// Of one of the unit's groups (templates/formats/packing.hpp: more than one of 16 inputs only).
// context.r.scales points to the unit's first scale. Not for two-level formats.
inline void load_scales(const GemmContext& context, const TileRegisters& tile, int pass, int group,
                        int vector, ScaleArray array, jit::Vector to) {
  jit::Assembler& a = context.a;
  const ScaleType type = context.spec.weights.scale;
  const int first_column = tile.block_vector(pass, vector) * a.lanes();
  const int row = static_cast<int>(array) * groups_per_step(context.spec.weights) + group;
  const int element = row * kBlockColumns + first_column;
  const Xbyak::Address from = a.ptr[context.r.scales + jit::offset(element * bytes_of(type))];
  if (type == ScaleType::f16) {
    a.vcvtph2ps(to, from);
  } else if (type == ScaleType::bf16) {
    a.vpmovzxwd(to, from);
    a.vpslld(to, to, 16);
  } else if (type == ScaleType::e8m0) {
    a.vpmovzxbd(to, from);
    a.vpslld(to, to, 23);
    a.vpmaxud(to, to, a.vector_constant(0x00400000));  // exponent 0 is 2^-127, a denormal float
  } else if (type == ScaleType::e4m3) {
    Float8Decoder(a, context.spec.weights).load_bytes(to, from);
  } else {
    a.vmovups(to, from);
  }
}

// Scales of two-level formats (templates/formats/packing.hpp): the superblock's f16 factors are converted
// once and kept on the stack, a group's integers are multiplied with them as they are needed.
class TwoLevelScales {
 public:
  // The stack that a kernel needs, at rsp + kTwoLevelFactors.
  static constexpr int kStackBytes = 2 * kBlockColumns * 4;

  TwoLevelScales(const GemmContext& context, const TileRegisters& tile, int pass)
      : c_(context), a(context.a), tile_(tile), pass_(pass) {}

  // Emits the loop over r.groups_left superblocks, at least one, from r.weights on, which it leaves behind them: step()
  // for 32 inputs at a time, whose codes r.weights points to. r.free is overwritten.
  void for_each_step(const std::function<void()>& step) const {
    constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;
    Xbyak::Label superblock;
    Xbyak::Label next;
    a.align(64);
    a.L(superblock);
    convert_factors(tile_.scale(0));
    a.add(c_.r.weights, static_cast<std::uint32_t>(header_bytes()));
    a.mov(a.name(c_.r.free, "steps_left"), static_cast<std::uint32_t>(kSuperblock / kStepInputs));
    a.L(next);
    step();
    a.add(c_.r.weights, static_cast<std::uint32_t>(step_bytes()));
    a.dec(c_.r.free);
    a.jnz(next, kNear);
    a.dec(c_.r.groups_left);
    a.jnz(superblock, kNear);
  }

  // Scale or minimum of group `group` of the step that r.weights points to.
  void load(int group, ScaleArray array, int vector, jit::Vector to) const {
    const int index = static_cast<int>(array);
    const int row = index * groups() + group;
    const int column = tile_.block_vector(pass_, vector) * a.lanes();
    const Xbyak::Address from =
        a.ptr[c_.r.weights + jit::offset(code_bytes() + row * kBlockColumns + column)];
    array == ScaleArray::scales ? a.vpmovsxbd(to, from) : a.vpmovzxbd(to, from);
    a.vcvtdq2ps(to, to);
    a.vmulps(to, to, factor(index, vector));
  }

 private:
  static constexpr int kStepInputs = 32;

  int header_bytes() const { return arrays() * kBlockColumns * 2; }
  int step_bytes() const { return code_bytes() + arrays() * groups() * kBlockColumns; }

  // r.weights points to the superblock. `scratch` is overwritten.
  void convert_factors(jit::Vector scratch) const {
    for (int array = 0; array < arrays(); ++array)
      for (int v = 0; v < tile_.vectors(); ++v) {
        const int column = array * kBlockColumns + tile_.block_vector(pass_, v) * a.lanes();
        a.vcvtph2ps(scratch, a.ptr[c_.r.weights + jit::offset(column * 2)]);
        if (array == 1)
          a.isa().bit_xor(scratch, scratch, a.vector_constant(0x80000000));  // minimums are -e * m
        a.vmovups(factor(array, v), scratch);
      }
  }

  int groups() const { return groups_per_step(c_.spec.weights); }
  int arrays() const { return c_.spec.weights.symmetric ? 1 : 2; }
  int code_bytes() const { return kStepInputs * 4 * c_.spec.weights.bits; }
  Xbyak::Address factor(int array, int vector) const {
    const int column = array * kBlockColumns + tile_.block_vector(pass_, vector) * a.lanes();
    return a.ptr[a.rsp + jit::offset(kTwoLevelFactors + column * 4)];
  }

  const GemmContext& c_;
  jit::Assembler& a;
  const TileRegisters& tile_;
  int pass_;
};

}  // namespace burin::kernels
