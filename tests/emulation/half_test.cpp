// FP16 arithmetic against hand-computed results and against the CPU's in single precision.
#include "tests/emulation/half.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/emulation/cpu_reference.hpp"

namespace burin::emulation {
namespace {

constexpr Half kOne = 0x3c00, kTwo = 0x4000, kThree = 0x4200, kLargest = 0x7bff, kSmallest = 0x0001;
constexpr Half kMinus = 0x8000;

// The CPU widens a signaling NaN to a quiet one before its max can forward it as it is.
Half quieted(Half a) { return is_nan(a) ? quiet(a) : a; }

struct Operation {
  const char* name;
  Half (*emulated)(Half, Half, Rounding);
  float (*on_cpu)(float, float);
};
constexpr Operation kOperations[] = {
    {"add", half_add, cpu_add},
    {"subtract", half_subtract, cpu_subtract},
    {"multiply", half_multiply, cpu_multiply},
    {"divide", half_divide, cpu_divide},
    {"max", [](Half a, Half b, Rounding) { return quieted(half_max(a, b)); }, cpu_max},
    {"min", [](Half a, Half b, Rounding) { return quieted(half_min(a, b)); }, cpu_min},
    {"square root", [](Half a, Half, Rounding r) { return half_square_root(a, r); },
     [](float a, float) { return cpu_square_root(a); }},
};

void compare(const Operation& operation, Half a, Half b) {
  const float wide_a = cpu_widen(a), wide_b = cpu_widen(b);
  for (const Rounding rounding : kRoundings)
    ASSERT_EQ(operation.emulated(a, b, rounding),
              on_cpu(rounding, [&] { return operation.on_cpu(wide_a, wide_b); }))
        << std::hex << operation.name << " 0x" << a << " 0x" << b << " rounding "
        << static_cast<int>(rounding);
}

TEST(Half, ArithmeticAsOnCpu) {
  tests::RandomValues random(11);
  for (const Operation& operation : kOperations) {
    for (const Half a : special_halves())
      for (const Half b : special_halves()) compare(operation, a, b);
    for (int i = 0; i < 40000; ++i) compare(operation, random_half(random), random_half(random));
  }
}

TEST(Half, SquareRootsOfAllAsOnCpu) {
  for (int a = 0; a < 0x10000; ++a) compare(kOperations[6], static_cast<Half>(a), 0);
}

void compare_fused(Half x, Half y, Half z) {
  for (const Rounding rounding : kRoundings)
    for (const FusedSigns signs :
         {FusedSigns{false, false}, FusedSigns{false, true}, FusedSigns{true, false}, FusedSigns{true, true}})
      ASSERT_EQ(half_fused(x, y, z, signs, rounding),
                on_cpu(rounding, [&] { return cpu_fused(cpu_widen(x), cpu_widen(y), cpu_widen(z), signs); }))
          << std::hex << "0x" << x << " * 0x" << y << " + 0x" << z << " signs " << signs.negate_product
          << signs.negate_addend << " rounding " << static_cast<int>(rounding);
}

TEST(Half, FusedAsOnCpu) {
  tests::RandomValues random(12);
  const std::vector<Half> special = special_halves();
  for (const Half x : special)
    for (const Half y : special)
      for (int i = 0; i < 6; ++i) compare_fused(x, y, random_half(random));
  for (int i = 0; i < 50000; ++i)
    compare_fused(random_half(random), random_half(random), random_half(random));
  // Addends that nearly cancel the product.
  for (int i = 0; i < 20000; ++i) {
    const Half x = random_half(random), y = random_half(random);
    const Half near = half_multiply(x, y, Rounding::nearest_even) ^ kMinus;
    compare_fused(x, y, static_cast<Half>(near + random.below(3)));
  }
}

TEST(Half, RoundingByHand) {
  // 1 + 2^-11 lies half-way between 1 and its upper neighbour.
  constexpr Half kHalfUlp = 0x1000;
  EXPECT_EQ(half_add(kOne, kHalfUlp, Rounding::nearest_even), kOne);
  EXPECT_EQ(half_add(kOne, kHalfUlp, Rounding::up), 0x3c01);
  EXPECT_EQ(half_add(0x3c01, kHalfUlp, Rounding::nearest_even), 0x3c02);
  EXPECT_EQ(half_add(kOne | kMinus, kHalfUlp | kMinus, Rounding::up), kOne | kMinus);
  EXPECT_EQ(half_add(kOne | kMinus, kHalfUlp | kMinus, Rounding::down), 0xbc01);
  EXPECT_EQ(half_add(kLargest, kLargest, Rounding::nearest_even), kInfinity);
  EXPECT_EQ(half_add(kLargest, kLargest, Rounding::toward_zero), kLargest);
  EXPECT_EQ(half_add(kOne, kOne | kMinus, Rounding::nearest_even), 0);
  EXPECT_EQ(half_add(kOne, kOne | kMinus, Rounding::down), kMinus);
  EXPECT_EQ(half_divide(kOne, kThree, Rounding::nearest_even), 0x3555);
  EXPECT_EQ(half_divide(kOne, kThree, Rounding::up), 0x3556);
  EXPECT_EQ(half_square_root(kTwo, Rounding::nearest_even), 0x3da8);
}

TEST(Half, DenormalsByHand) {
  EXPECT_EQ(half_add(kSmallest, kSmallest, Rounding::nearest_even), 2);
  EXPECT_EQ(half_multiply(kSmallest, kTwo, Rounding::nearest_even), 2);
  // 2^-24 / 2 is half-way between 0 and 2^-24.
  EXPECT_EQ(half_multiply(kSmallest, 0x3800, Rounding::nearest_even), 0);
  EXPECT_EQ(half_multiply(kSmallest, 0x3800, Rounding::up), kSmallest);
  EXPECT_EQ(half_multiply(kSmallest, kSmallest, Rounding::up), kSmallest);
  EXPECT_EQ(half_subtract(0x0400, kSmallest, Rounding::nearest_even), 0x03ff);
}

TEST(Half, FusedRoundsOnce) {
  // (1 + 2^-10)(1 - 2^-10) - 1 = -2^-20, lost if the product is rounded first.
  EXPECT_EQ(half_fused(0x3c01, 0x3bfe, kOne, {false, true}, Rounding::nearest_even), 0x8010);
  // 1141/1024 * 1838/1024 = 2 + 6 * 2^-20: in single precision, that times 2^-12 plus 1 is 1 + 2^-11,
  // half-way.
  EXPECT_EQ(half_fused(0x0c75, 0x3f2e, kOne, {false, false}, Rounding::nearest_even), 0x3c01);
  // 65504 * 65504 + 65504 is beyond FP16, its negation plus itself is not.
  EXPECT_EQ(half_fused(kLargest, kLargest, kLargest, {false, false}, Rounding::nearest_even), kInfinity);
  EXPECT_EQ(half_fused(kLargest, kOne, kLargest, {true, false}, Rounding::nearest_even), 0);
}

TEST(Half, NansByHand) {
  EXPECT_EQ(half_add(0x7c01, 0x7c02, Rounding::nearest_even), 0x7e01);
  EXPECT_EQ(half_add(kOne, 0xfc02, Rounding::nearest_even), 0xfe02);
  EXPECT_EQ(half_subtract(kInfinity, kInfinity, Rounding::nearest_even), kDefaultNan);
  EXPECT_EQ(half_multiply(0, kInfinity, Rounding::nearest_even), kDefaultNan);
  EXPECT_EQ(half_square_root(kOne | kMinus, Rounding::nearest_even), kDefaultNan);
  EXPECT_EQ(half_square_root(kMinus, Rounding::nearest_even), kMinus);
  EXPECT_EQ(half_max(0x7e00, kOne), kOne);
  EXPECT_EQ(half_max(kOne, 0x7c01), 0x7c01);
  EXPECT_EQ(half_max(0, kMinus), kMinus);
}

// The SDM's bound on the relative error is 2^-11 + 2^-14; the nearest FP16 is within 2^-11.
TEST(Half, ReciprocalsAreNearest) {
  for (int a = 1; a < kInfinity; ++a) {
    const auto half = static_cast<Half>(a);
    EXPECT_EQ(half_reciprocal(half),
              on_cpu(Rounding::nearest_even, [&] { return cpu_divide(1, cpu_widen(half)); }));
    const double exact = 1 / std::sqrt(static_cast<double>(cpu_widen(half)));
    const double got = static_cast<double>(cpu_widen(half_reciprocal_square_root(half)));
    EXPECT_LE(std::fabs(got - exact), exact * 0x1p-11) << std::hex << a;
  }
  EXPECT_EQ(half_reciprocal(0), kInfinity);
  EXPECT_EQ(half_reciprocal(kMinus | kInfinity), kMinus);
  EXPECT_EQ(half_reciprocal_square_root(kMinus), kMinus | kInfinity);
  EXPECT_EQ(half_reciprocal_square_root(kInfinity), 0);
  EXPECT_EQ(half_reciprocal_square_root(kMinus | kOne), kDefaultNan);
  EXPECT_EQ(half_reciprocal_square_root(0x4400), 0x3800);
}

TEST(Half, ComparisonsByHand) {
  EXPECT_EQ(half_compare(0, kMinus), kEqual);
  EXPECT_EQ(half_compare(kSmallest | kMinus, 0), kLess);
  EXPECT_EQ(half_compare(kInfinity, kLargest), kGreater);
  EXPECT_EQ(half_compare(0x7e00, 0x7e00), kUnordered);
}

}  // namespace
}  // namespace burin::emulation
