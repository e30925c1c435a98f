// Comparisons and classes of FP16: masks and flags.
#include <gtest/gtest.h>

#include <utility>

#include "jit/target.hpp"
#include "tests/emulation/cpu_reference.hpp"
#include "tests/emulation/half_parts.hpp"
#include "tests/emulation/instruction_run.hpp"

namespace burin::emulation {
namespace {

using Code = Xbyak::CodeGenerator;
using namespace Xbyak::util;

// The CPU's own comparison of singles by the same predicate.
template <int kPredicate>
__attribute__((target("avx512f"), noinline)) bool cpu_predicate(float a, float b) {
  return _mm_cmp_ss_mask(_mm_set_ss(a), _mm_set_ss(b), kPredicate) != 0;
}
template <int kPredicate>
void compare_predicate() {
  for (const Half a : special_halves())
    for (const Half b : special_halves())
      EXPECT_EQ(half_predicate(a, b, kPredicate), cpu_predicate<kPredicate>(cpu_widen(a), cpu_widen(b)))
          << std::hex << a << " " << b << " predicate " << kPredicate;
}
template <int... kPredicates>
void compare_predicates(std::integer_sequence<int, kPredicates...>) {
  (compare_predicate<kPredicates>(), ...);
}
TEST(Fp16Comparison, PredicatesAsOnCpu) {
  if (!jit::host_target().has(jit::Feature::avx512)) GTEST_SKIP() << "skipped: this CPU has no AVX-512";
  compare_predicates(std::make_integer_sequence<int, 32>());
}

class Fp16Masks : public testing::Test {
 protected:
  Fp16Masks() {
    tests::RandomValues random(31);
    before_ = random_registers(random);
    before_.flags = 0x202;
    before_.mxcsr = 0x1f80;
    for (int i = 0; i < 32; ++i) {
      set_lane(before_.vector[2], i, random_half(random));
      // Equal in every third lane.
      set_lane(before_.vector[3], i, i % 3 == 0 ? lane<Half>(before_.vector[2], i) : random_half(random));
    }
    before_.general[kRcx] = reinterpret_cast<std::uint64_t>(before_.vector[3].data());
  }

  // `emit` sets k1 and nothing else, to `bit` of every lane that `mask` has.
  template <typename Bit>
  void expect_mask(const Emit& emit, int lanes, std::uint64_t mask, Bit bit) {
    Registers expected = before_;
    expected.mask[1] = 0;
    for (int i = 0; i < lanes; ++i)
      if ((mask >> i & 1) != 0) expected.mask[1] |= std::uint64_t{bit(i)} << i;
    EXPECT_EQ(run(emit, before_), expected);
  }
  Half a(int i) const { return lane<Half>(before_.vector[2], i); }
  Half b(int i) const { return lane<Half>(before_.vector[3], i); }

  Registers before_;
};

TEST_F(Fp16Masks, Compare) {
  constexpr std::uint8_t kLessEqual = 2, kNotEqual = 4;
  const auto less_equal = [&](int i) { return half_predicate(a(i), b(i), kLessEqual); };
  const std::uint64_t masked = before_.mask[5];
  expect_mask([](Code& c) { c.vcmpph(k1, zmm2, zmm3, kLessEqual); }, 32, ~0ull, less_equal);
  expect_mask([](Code& c) { c.vcmpph(k1 | k5, zmm2, zmm3 | T_sae, kLessEqual); }, 32, masked, less_equal);
  expect_mask([](Code& c) { c.vcmpph(k1 | k5, ymm2, ptr[rcx], kLessEqual); }, 16, masked, less_equal);
  expect_mask([](Code& c) { c.vcmpph(k1, xmm2, ptr_b[rcx + 10], kNotEqual); }, 8, ~0ull,
              [&](int i) { return half_predicate(a(i), b(5), kNotEqual); });
  expect_mask([](Code& c) { c.vcmpsh(k1, xmm2, ptr[rcx], kNotEqual); }, 1, ~0ull,
              [&](int i) { return half_predicate(a(i), b(i), kNotEqual); });
}

TEST_F(Fp16Masks, Classify) {
  constexpr unsigned kClasses = kNegativeFinite | kDenormal | kQuietNan;
  const auto in_classes = [&](int i) { return (half_class(b(i)) & kClasses) != 0; };
  const std::uint64_t masked = before_.mask[5];
  expect_mask([](Code& c) { c.vfpclassph(k1 | k5, zmm3, kClasses); }, 32, masked, in_classes);
  expect_mask([](Code& c) { c.vfpclassph(k1, xmm3, kClasses); }, 8, ~0ull, in_classes);
  expect_mask([](Code& c) { c.vfpclassph(k1, yword_b[rcx + 14], kClasses); }, 16, ~0ull,
              [&](int) { return in_classes(7); });
  expect_mask([](Code& c) { c.vfpclasssh(k1, xmm3, kClasses); }, 1, ~0ull, in_classes);
}

TEST_F(Fp16Masks, CompareToFlagsByHand) {
  constexpr std::uint64_t kAlways = 0x202, kCarry = 1, kParity = 4, kZero = 0x40;
  before_.flags = kAlways | 0x8d5;  // all six on
  const auto flags = [&](Half x, Half y) {
    set_lane(before_.vector[2], 0, x);
    set_lane(before_.vector[3], 0, y);
    const Registers after = run([](Code& c) { c.vcomish(xmm2, xmm3); }, before_);
    EXPECT_EQ(run([](Code& c) { c.vucomish(xmm2, ptr[rcx]); }, before_).flags, after.flags);
    return after.flags;
  };
  EXPECT_EQ(flags(0x3c00, 0x4000), kAlways | kCarry);
  EXPECT_EQ(flags(0x4000, 0x3c00), kAlways);
  EXPECT_EQ(flags(0x0000, 0x8000), kAlways | kZero);
  EXPECT_EQ(flags(0x7e00, 0x3c00), kAlways | kZero | kParity | kCarry);
}

}  // namespace
}  // namespace burin::emulation
