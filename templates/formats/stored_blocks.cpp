#include "templates/formats/stored_blocks.hpp"

#include <cstring>

#include "templates/formats/float16.hpp"
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

float read_f32(const std::byte* value) { return read<float>(value); }
float read_f16(const std::byte* value) { return f16_to_f32(read<std::uint16_t>(value)); }
float read_bf16(const std::byte* value) { return bf16_to_f32(read<std::uint16_t>(value)); }

constexpr WeightFormat natural_integer(int bits, bool symmetric) {
  return {WeightKind::integer, bits, symmetric, 32, ScaleType::f16};
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
};

}  // namespace

const StoredRow& stored_row(StoredType type) { return kRows[static_cast<std::size_t>(type)]; }
const StoredLayout& layout_of(StoredType type) { return stored_row(type).layout; }

}  // namespace burin::kernels
