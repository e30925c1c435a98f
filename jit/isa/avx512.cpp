#include "jit/isa/avx512.hpp"

#include <numeric>
#include <vector>

namespace burin::jit {
namespace {

using Xbyak::Xmm;
using Xbyak::Ymm;
using Xbyak::Zmm;
using Xbyak::util::k1;

Xmm low128(Vector v) { return Xmm(v.getIdx()); }
Ymm low256(Vector v) { return Ymm(v.getIdx()); }

// 0, 1, ... 15
std::vector<std::int32_t> lane_numbers() {
  std::vector<std::int32_t> lanes(16);
  std::iota(lanes.begin(), lanes.end(), 0);
  return lanes;
}

// Words of which the lower half and the upper half take turns.
std::vector<std::int32_t> paired_halves() {
  std::vector<std::int32_t> order = lane_numbers();
  for (std::int32_t& pair : order) pair |= (16 + pair) << 16;
  return order;
}

// Folds 512 -> 256 -> 128 bits and then within 128 bits, by one two-operand instruction.
template <typename Combine>
void fold(Assembler& a, Vector value, Vector scratch, Combine combine) {
  a.vextracti64x4(low256(scratch), Zmm(value.getIdx()), 1);
  combine(low256(value), low256(scratch));
  a.vextracti32x4(low128(scratch), low256(value), 1);
  combine(low128(value), low128(scratch));
  for (const std::uint8_t order : {std::uint8_t{0x4e}, std::uint8_t{0xb1}}) {
    a.vpshufd(low128(scratch), low128(value), order);
    combine(low128(value), low128(scratch));
  }
}

}  // namespace

void Avx512Isa::bit_and(Vector to, Vector x, const Xbyak::Operand& y) { a.vpandd(to, x, y); }
void Avx512Isa::bit_or(Vector to, Vector x, const Xbyak::Operand& y) { a.vpord(to, x, y); }
void Avx512Isa::bit_xor(Vector to, Vector x, const Xbyak::Operand& y) { a.vpxord(to, x, y); }
void Avx512Isa::copy(Vector to, Vector from) { a.vmovaps(to, from); }

void Avx512Isa::merge_masked_bits(Vector to, Vector bits, const Xbyak::Operand& mask) {
  a.vpternlogd(to, bits, mask, 0xf8);  // to | (bits & mask)
}

void Avx512Isa::dot_bytes(Vector accumulator, Vector unsigned_bytes, const Xbyak::Operand& signed_bytes,
                          Vector scratch) {
  a.vpmaddubsw(scratch, unsigned_bytes, signed_bytes);
  a.vpmaddwd(scratch, scratch, a.vector_constant(0x00010001));
  a.vpaddd(accumulator, accumulator, scratch);
}

void Avx512Isa::look_up_floats(Vector to, Vector lanes, const std::array<float, 16>& table,
                               Vector /*scratch*/, Vector /*scratch2*/) {
  a.vpermps(Zmm(to.getIdx()), Zmm(lanes.getIdx()), a.float_vector_constant(table));
}

void Avx512Isa::round_to_integer(Vector to, Vector from) { a.vrndscaleps(to, from, 8); }
void Avx512Isa::scale_by_power_of_two(Vector value, Vector exponent) { a.vscalefps(value, value, exponent); }

void Avx512Isa::reduce_add(Vector value, Vector scratch) {
  fold(a, value, scratch, [&](const Xmm& x, const Xmm& y) { a.vaddps(x, x, y); });
}

void Avx512Isa::reduce_max(Vector value, Vector scratch) {
  fold(a, value, scratch, [&](const Xmm& x, const Xmm& y) { a.vmaxps(x, x, y); });
}

void Avx512Isa::reduce_add_int32(Vector value, Vector scratch) {
  fold(a, value, scratch, [&](const Xmm& x, const Xmm& y) { a.vpaddd(x, x, y); });
}

void Avx512Isa::reduce_max_int32(Vector value, Vector scratch) {
  fold(a, value, scratch, [&](const Xmm& x, const Xmm& y) { a.vpmaxsd(x, x, y); });
}

void Avx512Isa::store_lanes(const Xbyak::RegExp& to, Vector from, int lanes, Vector /*scratch*/) {
  if (lanes == 16) {
    a.vmovups(a.ptr[to], from);
    return;
  }
  const RoleScope scope(a);
  a.mov(a.name(a.eax, "mask"), (1u << lanes) - 1u);
  a.kmovw(a.name(k1, "mask"), a.eax);
  a.vmovups(a.ptr[to] | k1, from);
}

void Avx512Isa::scatter_lanes(const Xbyak::RegExp& to, int stride, int bytes, Vector from, int lanes,
                              Vector scratch) {
  // Extracts beat vpscatterdd on every CPU we measured, and need no index vector.
  for (int quarter = 0; quarter * 4 < lanes; ++quarter) {
    Xmm part = low128(from);
    if (quarter > 0) {
      part = low128(scratch);
      a.vextracti32x4(part, Zmm(from.getIdx()), static_cast<std::uint8_t>(quarter));
    }
    for (int lane = quarter * 4; lane < lanes && lane < quarter * 4 + 4; ++lane)
      store_lane(to + offset(lane * stride), bytes, part, lane % 4);
  }
}

void Avx512Isa::keep_first_lanes(Vector value, const Xbyak::Reg64& count, Vector other, Vector scratch) {
  a.vpbroadcastd(scratch, count.cvt32());
  a.vpcmpgtd(a.name(k1, "mask"), scratch, a.int32_vector_constant(lane_numbers()));
  a.vblendmps(value | k1, other, value);
}

void Avx512Isa::even_lanes(Vector to, Vector from) { a.vpmovqd(Ymm(to.getIdx()), Zmm(from.getIdx())); }

void Avx512Isa::store_as_int8(const Xbyak::RegExp& to, Vector from, Vector /*scratch*/) {
  a.vpmovsdb(a.ptr[to], Zmm(from.getIdx()));
}

// Round to nearest even in integers: x + 0x7fff + (bit 16 of x), of which the upper half is taken.
void Avx512Isa::round_to_bf16(Vector x, Vector scratch) {
  a.vpsrld(scratch, x, 16);
  bit_and(scratch, scratch, a.vector_constant(1));
  a.vpaddd(x, x, scratch);
  a.vpaddd(x, x, a.vector_constant(0x7fff));
}

void Avx512Isa::pack_bf16_pairs(Vector low, Vector high, Vector scratch) {
  if (a.target().has(Feature::avx512bf16)) {
    // low's words are put in front of high's, then they take turns.
    a.vcvtne2ps2bf16(Zmm(low.getIdx()), Zmm(high.getIdx()), Zmm(low.getIdx()));
    a.vmovups(scratch, a.int32_vector_constant(paired_halves()));
    a.vpermw(Zmm(low.getIdx()), Zmm(scratch.getIdx()), Zmm(low.getIdx()));
    return;
  }
  round_to_bf16(low, scratch);
  round_to_bf16(high, scratch);
  a.vpsrld(low, low, 16);
  a.vpternlogd(low, high, a.vector_constant(0xffff0000), 0xf8);
}

void Avx512Isa::pack_f16_pairs(Vector low, Vector high, Vector scratch) {
  constexpr std::uint8_t kToNearestEven = 0;
  a.vcvtps2ph(low256(low), Zmm(low.getIdx()), kToNearestEven);
  a.vcvtps2ph(low256(high), Zmm(high.getIdx()), kToNearestEven);
  a.vinserti64x4(Zmm(low.getIdx()), Zmm(low.getIdx()), low256(high), 1);
  a.vmovups(scratch, a.int32_vector_constant(paired_halves()));
  a.vpermw(Zmm(low.getIdx()), Zmm(scratch.getIdx()), Zmm(low.getIdx()));
}

void Avx512VnniIsa::dot_bytes(Vector accumulator, Vector unsigned_bytes, const Xbyak::Operand& signed_bytes,
                              Vector /*scratch*/) {
  a.vpdpbusd(accumulator, unsigned_bytes, signed_bytes, Xbyak::EvexEncoding);
}

}  // namespace burin::jit
