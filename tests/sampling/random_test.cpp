#include "runtime/sampling/random.hpp"

#include <gtest/gtest.h>

namespace burin::runtime {
namespace {

TEST(SplitMix64, GivesTheNumbersOfVignasReference) {
  SplitMix64 zero(0);
  EXPECT_EQ(zero.next(), 0xe220a8397b1dcdafu);
  SplitMix64 random(1234567);
  EXPECT_EQ(random.next(), 6457827717110365317u);
  EXPECT_EQ(random.next(), 3203168211198807973u);
  EXPECT_EQ(random.next(), 9817491932198370423u);
}

TEST(SplitMix64, UnitNumbersStayBelowOne) {
  SplitMix64 random(5);
  double sum = 0;
  for (int i = 0; i < 10000; ++i) {
    const double unit = random.next_unit();
    ASSERT_GE(unit, 0);
    ASSERT_LT(unit, 1);
    sum += unit;
  }
  EXPECT_NEAR(sum / 10000, 0.5, 0.02);  // about seven standard deviations
}

}  // namespace
}  // namespace burin::runtime
