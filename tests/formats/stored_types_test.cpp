// One block of every stored type written by hand, as the format's description has it.
#include <gtest/gtest.h>

#include <algorithm>
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

TEST(StoredTypes, NaturalFormats) {
  EXPECT_EQ(to_text(natural_format(StoredType::f32)), "f32");
  EXPECT_EQ(to_text(natural_format(StoredType::f16)), "f16");
  EXPECT_EQ(to_text(natural_format(StoredType::bf16)), "bf16");
  EXPECT_EQ(to_text(natural_format(StoredType::q4_0)), "int4s.g32.f16");
  EXPECT_EQ(to_text(natural_format(StoredType::q4_1)), "int4a.g32.f16");
  EXPECT_EQ(to_text(natural_format(StoredType::q5_0)), "int5s.g32.f16");
  EXPECT_EQ(to_text(natural_format(StoredType::q5_1)), "int5a.g32.f16");
  EXPECT_EQ(to_text(natural_format(StoredType::q8_0)), "int8s.g32.f16");
}

}  // namespace
}  // namespace burin::kernels
