#include "jit/isa/avx2.hpp"

#include <numeric>
#include <vector>

namespace burin::jit {
namespace {

using Xbyak::Xmm;
using Xbyak::Ymm;

Xmm low128(Vector v) { return Xmm(v.getIdx()); }
Ymm ymm(Vector v) { return Ymm(v.getIdx()); }

// 0, 1, ... 7
std::vector<std::int32_t> lane_numbers() {
  std::vector<std::int32_t> lanes(8);
  std::iota(lanes.begin(), lanes.end(), 0);
  return lanes;
}

// Folds 256 -> 128 bits and then within 128 bits, by one two-operand instruction.
template <typename Combine>
void fold(Assembler& a, Vector value, Vector scratch, Combine combine) {
  a.vextracti128(low128(scratch), ymm(value), 1);
  combine(low128(value), low128(scratch));
  for (const std::uint8_t order : {std::uint8_t{0x4e}, std::uint8_t{0xb1}}) {
    a.vpshufd(low128(scratch), low128(value), order);
    combine(low128(value), low128(scratch));
  }
}

}  // namespace

void Avx2Isa::bit_and(Vector to, Vector x, const Xbyak::Operand& y) { a.vpand(to, x, y); }
void Avx2Isa::bit_or(Vector to, Vector x, const Xbyak::Operand& y) { a.vpor(to, x, y); }
void Avx2Isa::bit_xor(Vector to, Vector x, const Xbyak::Operand& y) { a.vpxor(to, x, y); }
void Avx2Isa::copy(Vector to, Vector from) { a.vmovaps(to, from); }

void Avx2Isa::merge_masked_bits(Vector to, Vector bits, const Xbyak::Operand& mask) {
  a.vpand(bits, bits, mask);
  a.vpor(to, to, bits);
}

void Avx2Isa::dot_bytes(Vector accumulator, Vector unsigned_bytes, const Xbyak::Operand& signed_bytes,
                        Vector scratch) {
  a.vpmaddubsw(scratch, unsigned_bytes, signed_bytes);
  a.vpmaddwd(scratch, scratch, a.vector_constant(0x00010001));
  a.vpaddd(accumulator, accumulator, scratch);
}

void Avx2Isa::magnitudes(Vector to, Vector signed_bytes) { a.vpabsb(to, signed_bytes); }

// The byte's sign goes to the activation. A pair is 2 * 128 * 127 at most: less than what saturates.
void Avx2Isa::dot_signed_bytes(Vector accumulator, Vector magnitudes, Vector signed_bytes, Vector activations,
                               Vector scratch) {
  a.vpsignb(scratch, activations, signed_bytes);
  dot_bytes(accumulator, magnitudes, scratch, scratch);
}

// vpermps looks at the lowest three bits of a lane: one half of the table each, and the fourth bit, moved to
// where vblendvps looks, says which.
void Avx2Isa::look_up_floats(Vector to, Vector lanes, const std::array<float, 16>& table, Vector scratch,
                             Vector scratch2) {
  a.vpermps(ymm(scratch), ymm(lanes), a.float_vector_constant(std::span(table).first(8)));
  a.vpermps(ymm(scratch2), ymm(lanes), a.float_vector_constant(std::span(table).last(8)));
  a.vpslld(to, lanes, 28);
  a.vblendvps(ymm(to), ymm(scratch), ymm(scratch2), ymm(to));
}

void Avx2Isa::round_to_integer(Vector to, Vector from) { a.vroundps(to, from, 8); }

// Builds 2^exponent from its bit pattern; exponents of -127 and less give a factor of 0.
void Avx2Isa::scale_by_power_of_two(Vector value, Vector exponent) {
  a.vmaxps(exponent, exponent, a.vector_constant(0xc2fe0000));  // -127
  a.vcvtps2dq(exponent, exponent);
  a.vpaddd(exponent, exponent, a.vector_constant(127));
  a.vpslld(exponent, exponent, 23);  // 2^exponent; -127 gives 0
  a.vmulps(value, value, exponent);
}

void Avx2Isa::reduce_add(Vector value, Vector scratch) {
  fold(a, value, scratch, [&](const Xmm& x, const Xmm& y) { a.vaddps(x, x, y); });
}

void Avx2Isa::reduce_max(Vector value, Vector scratch) {
  fold(a, value, scratch, [&](const Xmm& x, const Xmm& y) { a.vmaxps(x, x, y); });
}

void Avx2Isa::reduce_add_int32(Vector value, Vector scratch) {
  fold(a, value, scratch, [&](const Xmm& x, const Xmm& y) { a.vpaddd(x, x, y); });
}

void Avx2Isa::reduce_max_int32(Vector value, Vector scratch) {
  fold(a, value, scratch, [&](const Xmm& x, const Xmm& y) { a.vpmaxsd(x, x, y); });
}

void Avx2Isa::store_lanes(const Xbyak::RegExp& to, Vector from, int lanes, Vector scratch) {
  if (lanes == 8) {
    a.vmovups(a.ptr[to], from);
    return;
  }
  std::vector<std::int32_t> mask(8, 0);
  std::fill_n(mask.begin(), lanes, -1);
  a.vmovups(scratch, a.int32_vector_constant(mask));
  a.vmaskmovps(a.ptr[to], ymm(scratch), ymm(from));
}

void Avx2Isa::scatter_lanes(const Xbyak::RegExp& to, int stride, int bytes, Vector from, int lanes,
                            Vector scratch) {
  for (int quarter = 0; quarter * 4 < lanes; ++quarter) {
    Xmm part = low128(from);
    if (quarter == 1) {
      part = low128(scratch);
      a.vextracti128(part, ymm(from), 1);
    }
    for (int lane = quarter * 4; lane < lanes && lane < quarter * 4 + 4; ++lane)
      store_lane(to + offset(lane * stride), bytes, part, lane % 4);
  }
}

void Avx2Isa::keep_first_lanes(Vector value, const Xbyak::Reg64& count, Vector other, Vector scratch) {
  a.vmovd(low128(scratch), count.cvt32());
  a.vpbroadcastd(scratch, low128(scratch));
  a.vpcmpgtd(scratch, scratch, a.int32_vector_constant(lane_numbers()));
  a.vblendvps(ymm(value), ymm(other), ymm(value), ymm(scratch));
}

void Avx2Isa::even_lanes(Vector to, Vector from) {
  constexpr std::uint8_t kEvenOnes = 0b10'00;  // lanes 0 and 2 of four
  a.vpshufd(ymm(to), ymm(from), kEvenOnes);
  a.vpermq(ymm(to), ymm(to), kEvenOnes);
}

void Avx2Isa::store_as_int8(const Xbyak::RegExp& to, Vector from, Vector scratch) {
  a.vextracti128(low128(scratch), ymm(from), 1);
  a.vpackssdw(low128(scratch), low128(from), low128(scratch));
  a.vpacksswb(low128(scratch), low128(scratch), low128(scratch));
  a.vmovq(a.qword[to], low128(scratch));
}

// Round to nearest even in integers: x + 0x7fff + (bit 16 of x), upper half taken.
void Avx2Isa::pack_bf16_pairs(Vector low, Vector high, Vector scratch) {
  for (const Vector x : {low, high}) {
    a.vpsrld(scratch, x, 16);
    bit_and(scratch, scratch, a.vector_constant(1));
    a.vpaddd(x, x, scratch);
    a.vpaddd(x, x, a.vector_constant(0x7fff));
  }
  a.vpsrld(low, low, 16);
  bit_and(high, high, a.vector_constant(0xffff0000));
  bit_or(low, low, high);
}

void Avx2Isa::pack_f16_pairs(Vector low, Vector high, Vector scratch) {
  constexpr std::uint8_t kToNearestEven = 0;
  a.vcvtps2ph(low128(low), ymm(low), kToNearestEven);
  a.vcvtps2ph(low128(high), ymm(high), kToNearestEven);
  a.vpunpckhwd(low128(scratch), low128(low), low128(high));
  a.vpunpcklwd(low128(low), low128(low), low128(high));
  a.vinserti128(ymm(low), ymm(low), low128(scratch), 1);
}

void AvxVnniIsa::dot_bytes(Vector accumulator, Vector unsigned_bytes, const Xbyak::Operand& signed_bytes,
                           Vector /*scratch*/) {
  a.vpdpbusd(accumulator, unsigned_bytes, signed_bytes, Xbyak::VexEncoding);
}

}  // namespace burin::jit
