// The fused multiply-adds of AVX512-FP16, in all orders and forms.
#include <gtest/gtest.h>

#include "tests/emulation/half.hpp"
#include "tests/emulation/vector_forms.hpp"

namespace burin::emulation {
namespace {

using Xbyak::Operand;
using Xbyak::Xmm;
using Code = Xbyak::CodeGenerator;
using Emit = void (*)(Code&, const Xmm&, const Xmm&, const Operand&);

Half to(const LaneInput& lane) { return static_cast<Half>(lane.to); }
Half a(const LaneInput& lane) { return static_cast<Half>(lane.a); }
Half b(const LaneInput& lane) { return static_cast<Half>(lane.b); }

// The order of the mnemonic's digits, where operand 1 is the destination: 132 is to * b + a.
template <bool kNegateProduct, bool kNegateEvenAddend, bool kNegateOddAddend>
struct Signs {
  static FusedSigns of(int lane) {
    return {kNegateProduct, lane % 2 == 0 ? kNegateEvenAddend : kNegateOddAddend};
  }
  static std::uint64_t in_132(const LaneInput& l) {
    return half_fused(to(l), b(l), a(l), of(l.index), l.rounding);
  }
  static std::uint64_t in_213(const LaneInput& l) {
    return half_fused(a(l), to(l), b(l), of(l.index), l.rounding);
  }
  static std::uint64_t in_231(const LaneInput& l) {
    return half_fused(a(l), b(l), to(l), of(l.index), l.rounding);
  }
};
using Add = Signs<false, false, false>;
using Subtract = Signs<false, true, true>;
using NegatedAdd = Signs<true, false, false>;
using NegatedSubtract = Signs<true, true, true>;
using AddSubtract = Signs<false, true, false>;  // subtracts in even lanes
using SubtractAdd = Signs<false, false, true>;

VectorInstruction packed(const char* name, Emit emit, std::uint64_t (*compute)(const LaneInput&)) {
  return {name, emit, 2, 2, any_float, compute, Embedded::rounding};
}
VectorInstruction scalar(const char* name, Emit emit, std::uint64_t (*compute)(const LaneInput&)) {
  return {name, emit, 2, 2, any_float, compute, Embedded::rounding, true, true};
}

const VectorInstruction kInstructions[] = {
    packed(
        "vfmadd132ph", [](Code& c, auto& t, auto& x, auto& y) { c.vfmadd132ph(t, x, y); }, Add::in_132),
    scalar(
        "vfmadd132sh", [](Code& c, auto& t, auto& x, auto& y) { c.vfmadd132sh(t, x, y); }, Add::in_132),
    packed(
        "vfmadd213ph", [](Code& c, auto& t, auto& x, auto& y) { c.vfmadd213ph(t, x, y); }, Add::in_213),
    scalar(
        "vfmadd213sh", [](Code& c, auto& t, auto& x, auto& y) { c.vfmadd213sh(t, x, y); }, Add::in_213),
    packed(
        "vfmadd231ph", [](Code& c, auto& t, auto& x, auto& y) { c.vfmadd231ph(t, x, y); }, Add::in_231),
    scalar(
        "vfmadd231sh", [](Code& c, auto& t, auto& x, auto& y) { c.vfmadd231sh(t, x, y); }, Add::in_231),
    packed(
        "vfmsub132ph", [](Code& c, auto& t, auto& x, auto& y) { c.vfmsub132ph(t, x, y); }, Subtract::in_132),
    scalar(
        "vfmsub132sh", [](Code& c, auto& t, auto& x, auto& y) { c.vfmsub132sh(t, x, y); }, Subtract::in_132),
    packed(
        "vfmsub213ph", [](Code& c, auto& t, auto& x, auto& y) { c.vfmsub213ph(t, x, y); }, Subtract::in_213),
    scalar(
        "vfmsub213sh", [](Code& c, auto& t, auto& x, auto& y) { c.vfmsub213sh(t, x, y); }, Subtract::in_213),
    packed(
        "vfmsub231ph", [](Code& c, auto& t, auto& x, auto& y) { c.vfmsub231ph(t, x, y); }, Subtract::in_231),
    scalar(
        "vfmsub231sh", [](Code& c, auto& t, auto& x, auto& y) { c.vfmsub231sh(t, x, y); }, Subtract::in_231),
    packed(
        "vfnmadd132ph", [](Code& c, auto& t, auto& x, auto& y) { c.vfnmadd132ph(t, x, y); },
        NegatedAdd::in_132),
    scalar(
        "vfnmadd132sh", [](Code& c, auto& t, auto& x, auto& y) { c.vfnmadd132sh(t, x, y); },
        NegatedAdd::in_132),
    packed(
        "vfnmadd213ph", [](Code& c, auto& t, auto& x, auto& y) { c.vfnmadd213ph(t, x, y); },
        NegatedAdd::in_213),
    scalar(
        "vfnmadd213sh", [](Code& c, auto& t, auto& x, auto& y) { c.vfnmadd213sh(t, x, y); },
        NegatedAdd::in_213),
    packed(
        "vfnmadd231ph", [](Code& c, auto& t, auto& x, auto& y) { c.vfnmadd231ph(t, x, y); },
        NegatedAdd::in_231),
    scalar(
        "vfnmadd231sh", [](Code& c, auto& t, auto& x, auto& y) { c.vfnmadd231sh(t, x, y); },
        NegatedAdd::in_231),
    packed(
        "vfnmsub132ph", [](Code& c, auto& t, auto& x, auto& y) { c.vfnmsub132ph(t, x, y); },
        NegatedSubtract::in_132),
    scalar(
        "vfnmsub132sh", [](Code& c, auto& t, auto& x, auto& y) { c.vfnmsub132sh(t, x, y); },
        NegatedSubtract::in_132),
    packed(
        "vfnmsub213ph", [](Code& c, auto& t, auto& x, auto& y) { c.vfnmsub213ph(t, x, y); },
        NegatedSubtract::in_213),
    scalar(
        "vfnmsub213sh", [](Code& c, auto& t, auto& x, auto& y) { c.vfnmsub213sh(t, x, y); },
        NegatedSubtract::in_213),
    packed(
        "vfnmsub231ph", [](Code& c, auto& t, auto& x, auto& y) { c.vfnmsub231ph(t, x, y); },
        NegatedSubtract::in_231),
    scalar(
        "vfnmsub231sh", [](Code& c, auto& t, auto& x, auto& y) { c.vfnmsub231sh(t, x, y); },
        NegatedSubtract::in_231),
    packed(
        "vfmaddsub132ph", [](Code& c, auto& t, auto& x, auto& y) { c.vfmaddsub132ph(t, x, y); },
        AddSubtract::in_132),
    packed(
        "vfmaddsub213ph", [](Code& c, auto& t, auto& x, auto& y) { c.vfmaddsub213ph(t, x, y); },
        AddSubtract::in_213),
    packed(
        "vfmaddsub231ph", [](Code& c, auto& t, auto& x, auto& y) { c.vfmaddsub231ph(t, x, y); },
        AddSubtract::in_231),
    packed(
        "vfmsubadd132ph", [](Code& c, auto& t, auto& x, auto& y) { c.vfmsubadd132ph(t, x, y); },
        SubtractAdd::in_132),
    packed(
        "vfmsubadd213ph", [](Code& c, auto& t, auto& x, auto& y) { c.vfmsubadd213ph(t, x, y); },
        SubtractAdd::in_213),
    packed(
        "vfmsubadd231ph", [](Code& c, auto& t, auto& x, auto& y) { c.vfmsubadd231ph(t, x, y); },
        SubtractAdd::in_231),
};

TEST(Fp16Fused, AllForms) {
  std::uint64_t seed = 200;
  for (const VectorInstruction& instruction : kInstructions) check_all_forms(instruction, ++seed);
}

// 3 * 5 + 7 in all orders, so that none is taken for another.
TEST(Fp16Fused, OrdersByHand) {
  constexpr Half kThree = 0x4200, kFive = 0x4500, kSeven = 0x4700;
  const LaneInput lane{kThree, kFive, kSeven, 0, Rounding::nearest_even};
  EXPECT_EQ(Add::in_132(lane), 0x4e80u);              // 3 * 7 + 5 = 26
  EXPECT_EQ(Add::in_213(lane), 0x4d80u);              // 5 * 3 + 7 = 22
  EXPECT_EQ(Add::in_231(lane), 0x50c0u);              // 5 * 7 + 3 = 38
  EXPECT_EQ(Subtract::in_231(lane), 0x5000u);         // 32
  EXPECT_EQ(NegatedAdd::in_231(lane), 0xd000u);       // -32
  EXPECT_EQ(NegatedSubtract::in_231(lane), 0xd0c0u);  // -38
}

}  // namespace
}  // namespace burin::emulation
