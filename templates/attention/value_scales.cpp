#include "templates/attention/value_scales.hpp"

#include <bit>

namespace burin::kernels {
namespace {

constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;
constexpr int kMantissaBits = 23;
constexpr std::uint32_t kOne = 0x3f800000;
constexpr std::uint32_t kMantissa = 0x007fffff;
constexpr float kSmallestScale =
    0x1p-60f;  // smaller ones count as this, so that sums of 2^-exponent stay numbers

// Of as many scales as a vector has lanes.
void split(const AttentionContext& c, const Xbyak::Reg64& from, int offset, const Xbyak::Reg64& to,
           int byte) {
  jit::Assembler& a = c.a;
  const jit::Vector scale = a.vector(0, "scale");
  const jit::Vector exponent = a.vector(1, "exponent");
  const jit::Vector inverse = a.vector(2, "inverse");
  const auto place = [&](int array) { return a.ptr[to + jit::offset(array - c.scratch.exponents + byte)]; };
  a.vmovups(scale, a.ptr[from + jit::offset(offset + byte)]);
  a.vmaxps(scale, scale, a.vector_constant(std::bit_cast<std::uint32_t>(kSmallestScale)));
  // What an exponent's bits, with none of the mantissa's, lack to those of 1.0 twice are the bits of its inverse.
  a.isa().bit_and(exponent, scale, a.vector_constant(~kMantissa));
  a.vmovups(inverse, a.vector_constant(2 * kOne));
  a.vpsubd(inverse, inverse, exponent);
  a.vmovups(place(c.scratch.inverses), inverse);
  a.vpsrld(exponent, exponent, kMantissaBits);
  a.vpsubd(exponent, exponent, a.vector_constant(kOne >> kMantissaBits));
  a.vcvtdq2ps(exponent, exponent);
  a.vmovups(place(c.scratch.exponents), exponent);
  a.isa().bit_and(scale, scale, a.vector_constant(kMantissa));
  a.isa().bit_or(scale, scale, a.vector_constant(kOne));
  a.vmovups(place(c.scratch.mantissas), scale);
}

}  // namespace

void emit_split_value_scales(const AttentionContext& c) {
  jit::Assembler& a = c.a;
  const jit::RoleScope scope(a);
  const Xbyak::Reg64 values = a.name(a.rcx, "values");
  const Xbyak::Reg64 blocks_left = a.name(a.rdx, "blocks_left");
  const Xbyak::Reg64 to = a.name(a.rdi, "to");
  Xbyak::Label block;
  c.start_blocks(a.rax);
  a.lea(to, a.ptr[c.r.scratch + jit::offset(c.scratch.exponents)]);
  a.mov(blocks_left, c.r.chunk_blocks);
  a.L(block);
  c.next_block(values);
  for (int byte = 0; byte < c.spec.heads.scales_bytes(); byte += a.vector_bytes())
    split(c, values, c.spec.heads.key_block_bytes() + c.spec.heads.value_scales_offset(), to, byte);
  a.add(to, c.u32(c.spec.heads.scales_bytes()));
  a.dec(blocks_left);
  a.jnz(block, kNear);
}

}  // namespace burin::kernels
