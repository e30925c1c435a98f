#include "templates/gemm/float8_decoder.hpp"

#include "templates/formats/packing.hpp"

namespace burin::kernels {
namespace {

constexpr int kPairBytes = 2 * kBlockColumns;  // of two inputs

}  // namespace

jit::Vector Float8Decoder::words_of(const jit::Vector& to) const {
  if (a.vector_bytes() == 64) return Xbyak::Ymm(to.getIdx());
  return Xbyak::Xmm(to.getIdx());
}

void Float8Decoder::keep_mask_in(jit::Vector mask) {
  a.vmovups(mask, a.vector_constant(bits()));
  mask_ = mask;
}

void Float8Decoder::load(jit::Vector to, const Xbyak::RegExp& inputs, int input, int block_vector) {
  const jit::Vector words = words_of(to);
  const Xbyak::Address from =
      a.ptr[inputs + jit::offset(input / 2 * kPairBytes + block_vector * a.lanes() * 2)];
  const bool is_lower = input % 2 == 0;  // byte of its words
  if (is_lower && words.isYMM()) {       // EVEX shifts take a memory operand
    a.vpsllw(words, from, 8);
  } else {
    a.vmovups(words, from);
    if (is_lower) a.vpsllw(words, words, 8);
  }
  convert(to, words, is_lower);
}

void Float8Decoder::load_bytes(jit::Vector to, const Xbyak::Address& from) {
  const jit::Vector words = words_of(to);
  a.vpmovzxbw(words, from);
  a.vpsllw(words, words, 8);
  convert(to, words, true);
}

void Float8Decoder::convert(jit::Vector to, const jit::Vector& words, bool clean) {
  if (is_e4m3_)
    a.vpsraw(words, words, 1);  // two bits of sign: the second is the upper bit of an f16's exponent
  if (is_e4m3_ || !clean) mask(words);
  a.vcvtph2ps(to, words);
}

void Float8Decoder::mask(const jit::Vector& words) {
  if (!mask_) return a.isa().bit_and(words, words, a.vector_constant(bits()));
  const int index = mask_->getIdx();
  a.isa().bit_and(words, words, words.isYMM() ? jit::Vector(Xbyak::Ymm(index)) : Xbyak::Xmm(index));
}

}  // namespace burin::kernels
