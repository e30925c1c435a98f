#include "templates/formats/stored_blocks.hpp"

#include <cstring>

#include "templates/formats/float16.hpp"
#include "templates/formats/stored_grids.hpp"
#include "templates/formats/stored_superblocks.hpp"

namespace burin::kernels {
namespace {

template <typename Value>
Value read(const std::byte* from) {
  Value value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

// 16 bytes: values 0..15 in the low nibbles, 16..31 in the high ones.
void read_nibbles(const std::byte* from, std::uint8_t* codes) {
  for (int i = 0; i < 16; ++i) {
    const auto byte = std::to_integer<std::uint8_t>(from[i]);
    codes[i] = byte & 15u;
    codes[i + 16] = static_cast<std::uint8_t>(byte >> 4);
  }
}

// Bit i of the word is bit 4 of value i.
void add_fifth_bits(std::uint32_t bits, std::uint8_t* codes) {
  for (int i = 0; i < 32; ++i) codes[i] = static_cast<std::uint8_t>(codes[i] | (((bits >> i) & 1u) << 4));
}

// [f16 scale][16 bytes of nibbles]
void read_q4_0(const std::byte* block, CodeGroup& group) {
  group.scale = read<std::uint16_t>(block);
  group.minimum = 0;
  read_nibbles(block + 2, group.codes);
}

// [f16 scale][f16 minimum][16 bytes of nibbles]
void read_q4_1(const std::byte* block, CodeGroup& group) {
  group.scale = read<std::uint16_t>(block);
  group.minimum = read<std::uint16_t>(block + 2);
  read_nibbles(block + 4, group.codes);
}

// [f16 scale][32 fifth bits][16 bytes of nibbles]
void read_q5_0(const std::byte* block, CodeGroup& group) {
  group.scale = read<std::uint16_t>(block);
  group.minimum = 0;
  read_nibbles(block + 6, group.codes);
  add_fifth_bits(read<std::uint32_t>(block + 2), group.codes);
}

// [f16 scale][f16 minimum][32 fifth bits][16 bytes of nibbles]
void read_q5_1(const std::byte* block, CodeGroup& group) {
  group.scale = read<std::uint16_t>(block);
  group.minimum = read<std::uint16_t>(block + 2);
  read_nibbles(block + 8, group.codes);
  add_fifth_bits(read<std::uint32_t>(block + 4), group.codes);
}

// [f16 scale][32 int8]
void read_q8_0(const std::byte* block, CodeGroup& group) {
  group.scale = read<std::uint16_t>(block);
  group.minimum = 0;
  for (int i = 0; i < 32; ++i) group.codes[i] = std::to_integer<std::uint8_t>(block[2 + i]) ^ 0x80u;
}

// [f16 scale][16 bytes of nibbles]
void read_iq4_nl(const std::byte* block, CodeGroup& group) { read_q4_0(block, group); }

// [e8m0 scale][16 bytes of nibbles]
void read_mxfp4(const std::byte* block, CodeGroup& group) {
  group.scale = read<std::uint8_t>(block);
  group.minimum = 0;
  read_nibbles(block + 1, group.codes);
}

// Digits 0, 1, 2 of the ternary types stand for -1, 0, 1 and, where two bits hold them, 3 for 2. The codes of
// int2s are -2 .. 1, so digits are stored negated, and so is the scale.
std::uint8_t ternary_code(unsigned digit) { return static_cast<std::uint8_t>(3 - digit); }
std::uint16_t negated(std::uint16_t f16) { return f16 ^ 0x8000u; }

// [48 bytes of five digits][4 bytes of four digits][f16 scale]
// A byte is a fraction of 256 in base 3: its first digit is the integer part of 3 * byte / 256, the others
// follow from what is left. `count` bytes hold the first digits of as many values in a row, then their second
// digits...
void read_digits(const std::byte* from, int count, int digits, std::uint8_t* codes) {
  for (int i = 0; i < count; ++i) {
    auto rest = std::to_integer<unsigned>(from[i]);
    for (int digit = 0; digit < digits; ++digit) {
      codes[digit * count + i] = ternary_code(rest * 3 >> 8);
      rest = rest * 3 & 255;
    }
  }
}

void read_tq1_0(const std::byte* block, CodeGroup& group) {
  read_digits(block, 32, 5, group.codes);
  read_digits(block + 32, 16, 5, group.codes + 160);
  read_digits(block + 48, 4, 4, group.codes + 240);
  group.scale = negated(read<std::uint16_t>(block + 52));
  group.minimum = 0;
}

// [64 bytes of 2-bit digits][f16 scale]
// 128 values take 32 bytes: the first 32 values their lowest two bits, the next 32 the next two...
void read_tq2_0(const std::byte* block, CodeGroup& group) {
  for (int i = 0; i < kSuperblock; ++i) {
    const auto byte = std::to_integer<unsigned>(block[i / 128 * 32 + i % 32]);
    group.codes[i] = ternary_code(byte >> i % 128 / 32 * 2 & 3);
  }
  group.scale = negated(read<std::uint16_t>(block + 64));
  group.minimum = 0;
}

float read_f32(const std::byte* value) { return read<float>(value); }
float read_f16(const std::byte* value) { return f16_to_f32(read<std::uint16_t>(value)); }
float read_bf16(const std::byte* value) { return bf16_to_f32(read<std::uint16_t>(value)); }

constexpr WeightFormat natural_integer(int bits, bool symmetric) {
  return {WeightKind::integer, bits, symmetric, 32, ScaleType::f16};
}

constexpr WeightFormat kTernary = {WeightKind::integer, 2, true, kSuperblock, ScaleType::f16};

constexpr WeightFormat natural_table(TableName table, int group = 32,
                                     ScaleType scale = ScaleType::two_level) {
  return WeightFormat::table_format(table, group, scale);
}

constexpr WeightFormat natural_two_level(int bits, bool symmetric, int group) {
  return {WeightKind::integer, bits, symmetric, group, ScaleType::two_level};
}

// In the order of StoredType.
constexpr StoredRow kRows[] = {
    {{"F32", 1, 4}, {WeightKind::f32, 32, true, 0, ScaleType::none}, nullptr, read_f32},
    {{"F16", 1, 2}, {WeightKind::f16, 16, true, 0, ScaleType::none}, nullptr, read_f16},
    {{"BF16", 1, 2}, {WeightKind::bf16, 16, true, 0, ScaleType::none}, nullptr, read_bf16},
    {{"Q4_0", 32, 18}, natural_integer(4, true), read_q4_0},
    {{"Q4_1", 32, 20}, natural_integer(4, false), read_q4_1},
    {{"Q5_0", 32, 22}, natural_integer(5, true), read_q5_0},
    {{"Q5_1", 32, 24}, natural_integer(5, false), read_q5_1},
    {{"Q8_0", 32, 34}, natural_integer(8, true), read_q8_0},
    {{"Q2_K", 256, 84}, natural_two_level(2, false, 16), nullptr, nullptr, read_q2_k},
    {{"Q3_K", 256, 110}, natural_two_level(3, true, 16), nullptr, nullptr, read_q3_k},
    {{"Q4_K", 256, 144}, natural_two_level(4, false, 32), nullptr, nullptr, read_q4_k},
    {{"Q5_K", 256, 176}, natural_two_level(5, false, 32), nullptr, nullptr, read_q5_k},
    {{"Q6_K", 256, 210}, natural_two_level(6, true, 16), nullptr, nullptr, read_q6_k},
    {{"IQ4_NL", 32, 18}, natural_table(TableName::iq4nl, 32, ScaleType::f16), read_iq4_nl},
    {{"IQ4_XS", 256, 136}, natural_table(TableName::iq4nl), nullptr, nullptr, read_iq4_xs},
    {{"MXFP4", 32, 17}, natural_table(TableName::e2m1, 32, ScaleType::e8m0), read_mxfp4},
    {{"TQ1_0", 256, 54}, kTernary, read_tq1_0},
    {{"TQ2_0", 256, 66}, kTernary, read_tq2_0},
    {{"IQ2_XXS", 256, 66}, natural_table(TableName::iq2), nullptr, nullptr, read_iq2_xxs},
    {{"IQ2_XS", 256, 74}, natural_table(TableName::iq2, 16), nullptr, nullptr, read_iq2_xs},
    {{"IQ2_S", 256, 82}, natural_table(TableName::iq2, 16), nullptr, nullptr, read_iq2_s},
    {{"IQ3_XXS", 256, 98}, natural_table(TableName::iq3xxs), nullptr, nullptr, read_iq3_xxs},
    {{"IQ3_S", 256, 110}, natural_table(TableName::iq3s), nullptr, nullptr, read_iq3_s},
    {{"IQ1_S", 256, 50}, natural_table(TableName::iq1), nullptr, nullptr, read_iq1_s},
    {{"IQ1_M", 256, 56}, natural_table(TableName::iq1, 16), nullptr, nullptr, read_iq1_m},
};

}  // namespace

const StoredRow& stored_row(StoredType type) { return kRows[static_cast<std::size_t>(type)]; }
const StoredLayout& layout_of(StoredType type) { return stored_row(type).layout; }

}  // namespace burin::kernels
