// One block of every stored type written by hand, as the format's description has it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "templates/formats/packing.hpp"

namespace burin::kernels {
namespace {

constexpr std::uint16_t kHalf = 0x3800;        // 0.5 as f16
constexpr std::uint16_t kMinusThree = 0xc200;  // -3 as f16

// Little-endian bytes, one field after the other.
class Bytes {
 public:
  template <typename Value>
  Bytes& add(Value value) {
    const auto* from = reinterpret_cast<const std::byte*>(&value);
    bytes_.insert(bytes_.end(), from, from + sizeof(value));
    return *this;
  }
  // Low nibbles count up, high nibbles count down: values 0..15 are 0 .. 15, values 16..31 are 15 .. 0.
  Bytes& add_nibbles() {
    for (int i = 0; i < 16; ++i) add(static_cast<std::uint8_t>(i | (15 - i) << 4));
    return *this;
  }
  const std::vector<std::byte>& all() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

int nibble(int i) { return i < 16 ? i : 31 - i; }

// Bit i set for i = 0, 3, 4, 31.
constexpr std::uint32_t kFifthBits = 0x80000019u;
int five_bits(int i) { return nibble(i) + (((kFifthBits >> i) & 1u) != 0 ? 16 : 0); }

template <typename Expected>
void expect_block(StoredType type, const Bytes& block, Expected expected) {
  const StoredLayout& layout = layout_of(type);
  ASSERT_EQ(block.all().size(), static_cast<std::size_t>(layout.bytes)) << layout.name;
  // Two blocks, so that the second starts where it should.
  std::vector<std::byte> row = block.all();
  row.insert(row.end(), block.all().begin(), block.all().end());
  std::vector<float> values(static_cast<std::size_t>(2 * layout.elements));
  stored_row_to_f32(type, row.data(), 2 * layout.elements, values.data());
  for (int i = 0; i < 2 * layout.elements; ++i)
    EXPECT_EQ(values[static_cast<std::size_t>(i)], static_cast<float>(expected(i % layout.elements)))
        << layout.name << " value " << i;
}

TEST(StoredTypes, Floats) {
  expect_block(StoredType::f32, Bytes().add(1.5f), [](int) { return 1.5; });
  expect_block(StoredType::f16, Bytes().add(kMinusThree), [](int) { return -3.0; });
  expect_block(StoredType::bf16, Bytes().add(std::uint16_t{0x4049}), [](int) { return 3.140625; });
}

TEST(StoredTypes, FourBits) {
  expect_block(StoredType::q4_0, Bytes().add(kHalf).add_nibbles(),
               [](int i) { return 0.5 * (nibble(i) - 8); });
  expect_block(StoredType::q4_1, Bytes().add(kHalf).add(kMinusThree).add_nibbles(),
               [](int i) { return 0.5 * nibble(i) - 3; });
}

TEST(StoredTypes, FiveBits) {
  expect_block(StoredType::q5_0, Bytes().add(kHalf).add(kFifthBits).add_nibbles(),
               [](int i) { return 0.5 * (five_bits(i) - 16); });
  expect_block(StoredType::q5_1, Bytes().add(kHalf).add(kMinusThree).add(kFifthBits).add_nibbles(),
               [](int i) { return 0.5 * five_bits(i) - 3; });
}

TEST(StoredTypes, EightBits) {
  Bytes block;
  block.add(kHalf);
  for (int i = 0; i < 32; ++i) block.add(static_cast<std::int8_t>(i * 8 - 128));
  expect_block(StoredType::q8_0, block, [](int i) { return 0.5 * (i * 8 - 128); });
}

// What ggml's header has: kvalues_iq4nl, and e2m1 doubled under half the scale.
constexpr int kIq4Nl[] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
constexpr int kDoubledE2m1[] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

TEST(StoredTypes, Tables) {
  expect_block(StoredType::iq4_nl, Bytes().add(kHalf).add_nibbles(),
               [](int i) { return 0.5 * kIq4Nl[nibble(i)]; });
  expect_block(StoredType::mxfp4, Bytes().add(std::uint8_t{125}).add_nibbles(),
               [](int i) { return 0.125 * kDoubledE2m1[nibble(i)]; });
}

TEST(StoredTypes, SmallestAndLargestExponentsOfMxfp4) {
  for (const int exponent : {0, 1, 2, 251, 252})
    expect_block(StoredType::mxfp4, Bytes().add(static_cast<std::uint8_t>(exponent)).add_nibbles(),
                 [exponent](int i) { return std::ldexp(kDoubledE2m1[nibble(i)], exponent - 128); });
}

// Groups of 32 with scales 0 .. 7 and 32 .. 35 apart from 32.
TEST(StoredTypes, TablesUnderTwoLevelScales) {
  const int scales[] = {0, 17, 34, 51, 4, 21, 38, 63};  // stored plus 32
  Bytes block;
  std::uint16_t high = 0;
  for (int i = 0; i < 8; ++i) high = static_cast<std::uint16_t>(high | (scales[i] >> 4) << 2 * i);
  block.add(kHalf).add(high);
  for (int i = 0; i < 8; i += 2)
    block.add(static_cast<std::uint8_t>((scales[i] & 15) | (scales[i + 1] & 15) << 4));
  for (int i = 0; i < 8; ++i) block.add_nibbles();
  expect_block(StoredType::iq4_xs, block,
               [&](int i) { return 0.5 * (scales[i / 32] - 32) * kIq4Nl[nibble(i % 32)]; });
}

// Digits 0, 1, 2 are -1, 0, 1; of two bits, 3 is 2, though no quantiser writes it.
TEST(StoredTypes, TernaryInTwoBits) {
  Bytes block;
  for (int i = 0; i < 64; ++i) block.add(static_cast<std::uint8_t>(i * 37 + 11));
  block.add(kMinusThree);
  expect_block(StoredType::tq2_0, block, [](int i) {
    const int byte = ((i / 128 * 32 + i % 32) * 37 + 11) & 255;
    return -3.0 * ((byte >> (i / 32 % 4 * 2) & 3) - 1);
  });
}

// Five digits in a byte: the number they are in base 3, in units of 256 / 243, rounded up.
TEST(StoredTypes, TernaryInBase3) {
  const auto digit = [](int i) { return i * i % 7 % 3; };
  const auto byte_of = [&](int first, int stride, int digits) {
    int number = 0;
    for (int i = 0; i < 5; ++i) number = number * 3 + (i < digits ? digit(first + i * stride) : 0);
    return static_cast<std::uint8_t>((number * 256 + 242) / 243);
  };
  Bytes block;
  for (int i = 0; i < 32; ++i) block.add(byte_of(i, 32, 5));
  for (int i = 0; i < 16; ++i) block.add(byte_of(160 + i, 16, 5));
  for (int i = 0; i < 4; ++i) block.add(byte_of(240 + i, 4, 4));
  block.add(kHalf);
  expect_block(StoredType::tq1_0, block, [&](int i) { return 0.5 * (digit(i) - 1); });
}

TEST(StoredTypes, NaturalFormats) {
  EXPECT_EQ(to_text(natural_format(StoredType::f32)), "f32");
  EXPECT_EQ(to_text(natural_format(StoredType::f16)), "f16");
  EXPECT_EQ(to_text(natural_format(StoredType::bf16)), "bf16");
  EXPECT_EQ(to_text(natural_format(StoredType::q4_0)), "int4s.g32.f16");
  EXPECT_EQ(to_text(natural_format(StoredType::q4_1)), "int4a.g32.f16");
  EXPECT_EQ(to_text(natural_format(StoredType::q5_0)), "int5s.g32.f16");
  EXPECT_EQ(to_text(natural_format(StoredType::q5_1)), "int5a.g32.f16");
  EXPECT_EQ(to_text(natural_format(StoredType::q8_0)), "int8s.g32.f16");
  EXPECT_EQ(to_text(natural_format(StoredType::iq4_nl)), "iq4nl.g32.f16");
  EXPECT_EQ(to_text(natural_format(StoredType::iq4_xs)), "iq4nl.g32.two");
  EXPECT_EQ(to_text(natural_format(StoredType::mxfp4)), "e2m1.g32.e8m0");
  EXPECT_EQ(to_text(natural_format(StoredType::tq1_0)), "int2s.g256.f16");
  EXPECT_EQ(to_text(natural_format(StoredType::iq2_xs)), "iq2.g16.two");
  EXPECT_EQ(to_text(natural_format(StoredType::iq3_xxs)), "iq3xxs.g32.two");
  EXPECT_EQ(to_text(natural_format(StoredType::iq1_m)), "iq1.g16.two");
}

}  // namespace
}  // namespace burin::kernels
