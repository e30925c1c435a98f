#include "jit/vector_isa.hpp"

#include "jit/assembler.hpp"

namespace burin::jit {

void VectorIsa::store_lane(const Xbyak::RegExp& to, int bytes, const Xbyak::Xmm& from, int lane) {
  const auto part = static_cast<std::uint8_t>(lane * (4 / bytes));
  switch (bytes) {
    case 1: return a.vpextrb(a.byte[to], from, part);
    case 2: return a.vpextrw(a.word[to], from, part);
    default: return a.vpextrd(a.dword[to], from, part);
  }
}

}  // namespace burin::jit
