// Emits the conversion of fp8 codes (templates/formats/float8.hpp) to f32.
//
// By way of f16, which vcvtph2ps converts: E5M2 is the upper byte of one, E4M3 its sign and lower 13 bits up to a
// power of two. Denormal codes come out right whatever the caller has set in MXCSR, as that instruction ignores DAZ.
// Moving bits into an f32 and multiplying by a power of two takes one instruction less, but multiplies denormal
// floats: zeros under DAZ, slow without.
#pragma once

#include <optional>

#include "jit/assembler.hpp"
#include "templates/formats/weight_format.hpp"

namespace burin::kernels {

class Float8Decoder {
 public:
  // E5M2 or E4M3: as codes, or as the scales of other codes.
  Float8Decoder(jit::Assembler& assembler, const WeightFormat& weights)
      : a(assembler), is_e4m3_(weights.kind != WeightKind::e5m2) {}

  // What scales, or sums of products with them, have to be multiplied with: E4M3 come out a power of two too small.
  static float scale_factor(const WeightFormat& weights) {
    return weights.kind == WeightKind::e4m3 || weights.scale == ScaleType::e4m3 ? kE4m3FromF16 : 1;
  }

  // Loads the mask of a number's bits into a register that the kernel can spare; saves loads.
  void keep_mask_in(jit::Vector mask);

  // `inputs` addresses 32 inputs of a block (packing.hpp); lanes are the columns of one of its vectors.
  void load(jit::Vector to, const Xbyak::RegExp& inputs, int input, int block_vector);
  // One code for each lane, without gaps.
  void load_bytes(jit::Vector to, const Xbyak::Address& from);
  // Of words that have a code in their upper byte, in the lower half of the register. `clean`: lower bytes are zero.
  void convert(jit::Vector to, const jit::Vector& words, bool clean);

 private:
  // As many words as `to` has lanes.
  jit::Vector words_of(const jit::Vector& to) const;
  // Where the bits of an f16 lie that a code becomes.
  std::uint32_t bits() const { return is_e4m3_ ? 0xbf80bf80 : 0xff00ff00; }
  void mask(const jit::Vector& words);

  jit::Assembler& a;
  bool is_e4m3_;
  std::optional<jit::Vector> mask_;
};

}  // namespace burin::kernels
