#include "jit/vector_isa.hpp"

#include "jit/assembler.hpp"
#include "jit/error.hpp"

namespace burin::jit {

void VectorIsa::magnitudes(Vector /*to*/, Vector /*signed_bytes*/) {
  fail("magnitudes: this instruction set has no dot product of signed bytes");
}

void VectorIsa::dot_signed_bytes(Vector /*accumulator*/, Vector /*magnitudes*/, Vector /*signed_bytes*/,
                                 Vector /*activations*/, Vector /*scratch*/) {
  fail("dot_signed_bytes: this instruction set has no dot product of signed bytes");
}

void VectorIsa::store_lane(const Xbyak::RegExp& to, int bytes, const Xbyak::Xmm& from, int lane) {
  const auto part = static_cast<std::uint8_t>(lane * (4 / bytes));
  switch (bytes) {
    case 1: return a.vpextrb(a.byte[to], from, part);
    case 2: return a.vpextrw(a.word[to], from, part);
    default: return a.vpextrd(a.dword[to], from, part);
  }
}

}  // namespace burin::jit
