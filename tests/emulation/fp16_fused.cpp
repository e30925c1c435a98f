#include <array>

#include "tests/emulation/fp16.hpp"
#include "tests/emulation/half.hpp"
#include "tests/emulation/lanes.hpp"

namespace burin::emulation {
namespace {

// The digits of the mnemonic: result = operand[x] * operand[y] + operand[z], where the first operand is also
// the destination.
struct Order {
  int x, y, z;
};
constexpr std::array<Order, 3> kOrders = {{{0, 2, 1}, {1, 0, 2}, {1, 2, 0}}};

struct Family {
  std::array<ZydisMnemonic, 3> packed;  // in the orders 132, 213, 231
  std::array<ZydisMnemonic, 3> scalar;
  FusedSigns even, odd;  // of lanes 0, 2 ... and of lanes 1, 3 ...
};
constexpr FusedSigns kAdd{false, false}, kSubtract{false, true};
constexpr FusedSigns kNegatedAdd{true, false}, kNegatedSubtract{true, true};
constexpr std::array<ZydisMnemonic, 3> kNoScalar = {ZYDIS_MNEMONIC_INVALID, ZYDIS_MNEMONIC_INVALID,
                                                    ZYDIS_MNEMONIC_INVALID};
constexpr Family kFamilies[] = {
    {{ZYDIS_MNEMONIC_VFMADD132PH, ZYDIS_MNEMONIC_VFMADD213PH, ZYDIS_MNEMONIC_VFMADD231PH},
     {ZYDIS_MNEMONIC_VFMADD132SH, ZYDIS_MNEMONIC_VFMADD213SH, ZYDIS_MNEMONIC_VFMADD231SH},
     kAdd,
     kAdd},
    {{ZYDIS_MNEMONIC_VFMSUB132PH, ZYDIS_MNEMONIC_VFMSUB213PH, ZYDIS_MNEMONIC_VFMSUB231PH},
     {ZYDIS_MNEMONIC_VFMSUB132SH, ZYDIS_MNEMONIC_VFMSUB213SH, ZYDIS_MNEMONIC_VFMSUB231SH},
     kSubtract,
     kSubtract},
    {{ZYDIS_MNEMONIC_VFNMADD132PH, ZYDIS_MNEMONIC_VFNMADD213PH, ZYDIS_MNEMONIC_VFNMADD231PH},
     {ZYDIS_MNEMONIC_VFNMADD132SH, ZYDIS_MNEMONIC_VFNMADD213SH, ZYDIS_MNEMONIC_VFNMADD231SH},
     kNegatedAdd,
     kNegatedAdd},
    {{ZYDIS_MNEMONIC_VFNMSUB132PH, ZYDIS_MNEMONIC_VFNMSUB213PH, ZYDIS_MNEMONIC_VFNMSUB231PH},
     {ZYDIS_MNEMONIC_VFNMSUB132SH, ZYDIS_MNEMONIC_VFNMSUB213SH, ZYDIS_MNEMONIC_VFNMSUB231SH},
     kNegatedSubtract,
     kNegatedSubtract},
    {{ZYDIS_MNEMONIC_VFMADDSUB132PH, ZYDIS_MNEMONIC_VFMADDSUB213PH, ZYDIS_MNEMONIC_VFMADDSUB231PH},
     kNoScalar,
     kSubtract,
     kAdd},
    {{ZYDIS_MNEMONIC_VFMSUBADD132PH, ZYDIS_MNEMONIC_VFMSUBADD213PH, ZYDIS_MNEMONIC_VFMSUBADD231PH},
     kNoScalar,
     kAdd,
     kSubtract},
};

void run(const Family& family, Order order, bool scalar, const Instruction& instruction,
         ProcessorState& state) {
  const Source x(instruction, order.x, state);
  const Source y(instruction, order.y, state);
  const Source z(instruction, order.z, state);
  const Rounding rounding = rounding_of(instruction, state);
  const auto compute = [&](int i) {
    return half_fused(static_cast<Half>(x.lane(i, 2)), static_cast<Half>(y.lane(i, 2)),
                      static_cast<Half>(z.lane(i, 2)), i % 2 == 0 ? family.even : family.odd, rounding);
  };
  if (scalar)
    write_scalar(instruction, state, 0, 2, compute);
  else
    write_packed(instruction, state, vector_lanes(instruction, 2), 2, compute);
}

}  // namespace

bool emulate_fp16_fused(const Instruction& instruction, ProcessorState& state) {
  const ZydisMnemonic mnemonic = instruction.decoded.mnemonic;
  if (mnemonic == ZYDIS_MNEMONIC_INVALID) return false;
  for (const Family& family : kFamilies) {
    for (std::size_t order = 0; order < kOrders.size(); ++order) {
      const bool scalar = mnemonic == family.scalar[order];
      if (mnemonic != family.packed[order] && !scalar) continue;
      run(family, kOrders[order], scalar, instruction, state);
      return true;
    }
  }
  return false;
}

}  // namespace burin::emulation
