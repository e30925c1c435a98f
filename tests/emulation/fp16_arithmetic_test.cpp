// AVX512-FP16 arithmetic, instruction by instruction in all forms; the numbers themselves are for half_test.
#include <gtest/gtest.h>

#include "tests/emulation/half_parts.hpp"
#include "tests/emulation/vector_forms.hpp"

namespace burin::emulation {
namespace {

using Xbyak::Operand;
using Xbyak::Xmm;
using Code = Xbyak::CodeGenerator;

struct Pair {
  VectorInstruction packed, scalar;
};

Half a(const LaneInput& lane) { return static_cast<Half>(lane.a); }
Half b(const LaneInput& lane) { return static_cast<Half>(lane.b); }

using Emit = void (*)(Code&, const Xmm&, const Xmm&, const Operand&);
using Compute = std::uint64_t (*)(const LaneInput&);

Pair pair(const char* name, Emit packed, Emit scalar, Compute compute, Embedded embedded) {
  return {{name, packed, 2, 2, any_float, compute, embedded},
          {name, scalar, 2, 2, any_float, compute, embedded, true}};
}

Pair approximate(Pair pair) {
  pair.packed.approximate = pair.scalar.approximate = true;
  return pair;
}

// Xbyak takes {sae} of the maximum and the minimum for a rounding: the encoding is the same.
const Pair kPairs[] = {
    pair(
        "vadd", [](Code& c, auto& to, auto& x, auto& y) { c.vaddph(to, x, y); },
        [](Code& c, auto& to, auto& x, auto& y) { c.vaddsh(to, x, y); },
        [](const LaneInput& l) -> std::uint64_t { return half_add(a(l), b(l), l.rounding); },
        Embedded::rounding),
    pair(
        "vsub", [](Code& c, auto& to, auto& x, auto& y) { c.vsubph(to, x, y); },
        [](Code& c, auto& to, auto& x, auto& y) { c.vsubsh(to, x, y); },
        [](const LaneInput& l) -> std::uint64_t { return half_subtract(a(l), b(l), l.rounding); },
        Embedded::rounding),
    pair(
        "vmul", [](Code& c, auto& to, auto& x, auto& y) { c.vmulph(to, x, y); },
        [](Code& c, auto& to, auto& x, auto& y) { c.vmulsh(to, x, y); },
        [](const LaneInput& l) -> std::uint64_t { return half_multiply(a(l), b(l), l.rounding); },
        Embedded::rounding),
    pair(
        "vdiv", [](Code& c, auto& to, auto& x, auto& y) { c.vdivph(to, x, y); },
        [](Code& c, auto& to, auto& x, auto& y) { c.vdivsh(to, x, y); },
        [](const LaneInput& l) -> std::uint64_t { return half_divide(a(l), b(l), l.rounding); },
        Embedded::rounding),
    pair(
        "vscalef", [](Code& c, auto& to, auto& x, auto& y) { c.vscalefph(to, x, y); },
        [](Code& c, auto& to, auto& x, auto& y) { c.vscalefsh(to, x, y); },
        [](const LaneInput& l) -> std::uint64_t { return half_scale(a(l), b(l), l.rounding); },
        Embedded::rounding),
    pair(
        "vmax", [](Code& c, auto& to, auto& x, auto& y) { c.vmaxph(to, x, y); },
        [](Code& c, auto& to, auto& x, auto& y) { c.vmaxsh(to, x, y); },
        [](const LaneInput& l) -> std::uint64_t { return half_max(a(l), b(l)); }, Embedded::rounding),
    pair(
        "vmin", [](Code& c, auto& to, auto& x, auto& y) { c.vminph(to, x, y); },
        [](Code& c, auto& to, auto& x, auto& y) { c.vminsh(to, x, y); },
        [](const LaneInput& l) -> std::uint64_t { return half_min(a(l), b(l)); }, Embedded::rounding),
    pair(
        "vsqrt", [](Code& c, auto& to, auto&, auto& y) { c.vsqrtph(to, y); },
        [](Code& c, auto& to, auto& x, auto& y) { c.vsqrtsh(to, x, y); },
        [](const LaneInput& l) -> std::uint64_t { return half_square_root(b(l), l.rounding); },
        Embedded::rounding),
    approximate(pair(
        "vrcp", [](Code& c, auto& to, auto&, auto& y) { c.vrcpph(to, y); },
        [](Code& c, auto& to, auto& x, auto& y) { c.vrcpsh(to, x, y); },
        [](const LaneInput& l) -> std::uint64_t { return half_reciprocal(b(l)); }, Embedded::nothing)),
    approximate(pair(
        "vrsqrt", [](Code& c, auto& to, auto&, auto& y) { c.vrsqrtph(to, y); },
        [](Code& c, auto& to, auto& x, auto& y) { c.vrsqrtsh(to, x, y); },
        [](const LaneInput& l) -> std::uint64_t { return half_reciprocal_square_root(b(l)); },
        Embedded::nothing)),
    pair(
        "vgetexp", [](Code& c, auto& to, auto&, auto& y) { c.vgetexpph(to, y); },
        [](Code& c, auto& to, auto& x, auto& y) { c.vgetexpsh(to, x, y); },
        [](const LaneInput& l) -> std::uint64_t { return half_exponent(b(l)); }, Embedded::exceptions_off),
    pair(
        "vgetmant", [](Code& c, auto& to, auto&, auto& y) { c.vgetmantph(to, y, 7); },
        [](Code& c, auto& to, auto& x, auto& y) { c.vgetmantsh(to, x, y, 7); },
        [](const LaneInput& l) -> std::uint64_t {
          return half_mantissa(b(l), MantissaInterval::three_quarters, 1);
        },
        Embedded::exceptions_off),
    pair(
        "vrndscale", [](Code& c, auto& to, auto&, auto& y) { c.vrndscaleph(to, y, 0x22); },
        [](Code& c, auto& to, auto& x, auto& y) { c.vrndscalesh(to, x, y, 0x22); },
        [](const LaneInput& l) -> std::uint64_t { return half_round(b(l), 2, Rounding::up); },
        Embedded::exceptions_off),
    pair(
        "vrndscale", [](Code& c, auto& to, auto&, auto& y) { c.vrndscaleph(to, y, 4); },
        [](Code& c, auto& to, auto& x, auto& y) { c.vrndscalesh(to, x, y, 4); },
        [](const LaneInput& l) -> std::uint64_t { return half_round(b(l), 0, l.rounding); },
        Embedded::nothing),
    pair(
        "vreduce", [](Code& c, auto& to, auto&, auto& y) { c.vreduceph(to, y, 0x31); },
        [](Code& c, auto& to, auto& x, auto& y) { c.vreducesh(to, x, y, 0x31); },
        [](const LaneInput& l) -> std::uint64_t { return half_reduce(b(l), 3, Rounding::down); },
        Embedded::exceptions_off),
    pair(
        "vreduce", [](Code& c, auto& to, auto&, auto& y) { c.vreduceph(to, y, 0x14); },
        [](Code& c, auto& to, auto& x, auto& y) { c.vreducesh(to, x, y, 0x14); },
        [](const LaneInput& l) -> std::uint64_t { return half_reduce(b(l), 1, l.rounding); },
        Embedded::nothing),
};

TEST(Fp16Arithmetic, AllForms) {
  std::uint64_t seed = 100;
  for (const Pair& pair : kPairs) {
    check_all_forms(pair.packed, ++seed);
    check_all_forms(pair.scalar, ++seed);
  }
}

}  // namespace
}  // namespace burin::emulation
