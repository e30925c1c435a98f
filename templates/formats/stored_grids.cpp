#include "templates/formats/stored_grids.hpp"

#include <bit>
#include <cstring>

#include "templates/formats/grids.hpp"

namespace burin::kernels {
namespace {

constexpr int kEights = kSuperblock / 8;       // runs of 8 values, most grids' entries
constexpr int kThirtyTwos = kSuperblock / 32;  // runs of 32 values

unsigned byte_at(const std::byte* from, int at) { return std::to_integer<unsigned>(from[at]); }
unsigned nibble_at(const std::byte* from, int at) { return byte_at(from, at / 2) >> (at % 2 * 4) & 15; }

template <typename Value>
Value read_at(const std::byte* from, int at) {
  Value value;
  std::memcpy(&value, from + static_cast<std::size_t>(at) * sizeof(value), sizeof(value));
  return value;
}

// Scales are odd multiples of a unit that the table contains: 2s + 1.
std::int8_t odd(unsigned scale) { return static_cast<std::int8_t>(2 * scale + 1); }

// Seven stored signs; the eighth makes their number even.
unsigned eight_signs(unsigned seven) {
  seven &= 127;
  return seven | static_cast<unsigned>(std::popcount(seven) & 1) << 7;
}

// Codes of the tables iq2, iq3xxs and iq3s ascend from the largest negative value: `digits` magnitudes on
// each side of zero. Signs are bits, the first value's the lowest.
template <std::size_t count>
void put_signed(const GridEntry<count>& entry, unsigned signs, unsigned digits, std::uint8_t* codes) {
  for (std::size_t i = 0; i < count; ++i)
    codes[i] = static_cast<std::uint8_t>((signs >> i & 1) != 0 ? digits - 1 - entry[i] : digits + entry[i]);
}

constexpr unsigned kIq2Digits = 3;
constexpr unsigned kIq3Digits = 8;

// Codes of the table iq1: values -1, 0, 1 less 1/8 are the even ones, those plus 1/8 the odd ones.
void put_shifted(const GridEntry<8>& entry, bool down, std::uint8_t* codes) {
  for (std::size_t i = 0; i < 8; ++i) codes[i] = static_cast<std::uint8_t>(2 * entry[i] + (down ? 0 : 1));
}

}  // namespace

// [f16 scale][16 bits: upper 2 bits of 8 scales][4 bytes: lower 4 bits][128 bytes of nibbles]
// Scales are stored plus 32. 32 values take 16 bytes: the first 16 their low nibbles.
void read_iq4_xs(const std::byte* block, Superblock& out) {
  out = Superblock{};
  out.scale = read_at<std::uint16_t>(block, 0);
  const unsigned high = read_at<std::uint16_t>(block, 1);
  for (int i = 0; i < kThirtyTwos; ++i) {
    const unsigned scale = nibble_at(block + 4, i) | (high >> 2 * i & 3) << 4;
    out.scales[i] = static_cast<std::int8_t>(static_cast<int>(scale) - 32);
  }
  for (int i = 0; i < kSuperblock; ++i)
    out.codes[i] =
        static_cast<std::uint8_t>(byte_at(block + 8, i / 32 * 16 + i % 16) >> (i % 32 / 16 * 4) & 15);
}

// [f16 scale] and for 32 values each [4 bytes: entries][4 times 7 signs and 4 bits of scale]
void read_iq2_xxs(const std::byte* block, Superblock& out) {
  out = Superblock{};
  out.scale = read_at<std::uint16_t>(block, 0);
  for (int i = 0; i < kEights; ++i) {
    const std::byte* group = block + 2 + i / 4 * 8;
    const auto signs = read_at<std::uint32_t>(group, 1);
    out.scales[i / 4] = odd(signs >> 28);
    put_signed(iq2_xxs_entry(byte_at(group, i % 4)), eight_signs(signs >> i % 4 * 7), kIq2Digits,
               out.codes + i * 8);
  }
}

// [f16 scale][32 times 9 bits of entry and 7 signs][16 nibbles of scales]
void read_iq2_xs(const std::byte* block, Superblock& out) {
  out = Superblock{};
  out.scale = read_at<std::uint16_t>(block, 0);
  for (int i = 0; i < kEights; ++i) {
    const unsigned word = read_at<std::uint16_t>(block + 2, i);
    out.scales[i / 2] = odd(nibble_at(block + 66, i / 2));
    put_signed(iq2_xs_entry(word & 511), eight_signs(word >> 9), kIq2Digits, out.codes + i * 8);
  }
}

// [f16 scale][32 bytes: lower bits of entries][32 bytes of signs][8 bytes: upper 2 bits][16 nibbles of
// scales]
void read_iq2_s(const std::byte* block, Superblock& out) {
  out = Superblock{};
  out.scale = read_at<std::uint16_t>(block, 0);
  for (int i = 0; i < kEights; ++i) {
    const unsigned high = byte_at(block + 66, i / 4) >> i % 4 * 2 & 3;
    out.scales[i / 2] = odd(nibble_at(block + 74, i / 2));
    put_signed(iq2_s_entry(byte_at(block + 2, i) | high << 8), byte_at(block + 34, i), kIq2Digits,
               out.codes + i * 8);
  }
}

// [f16 scale][64 bytes: entries][8 times 4 times 7 signs and 4 bits of scale]
void read_iq3_xxs(const std::byte* block, Superblock& out) {
  out = Superblock{};
  out.scale = read_at<std::uint16_t>(block, 0);
  for (int i = 0; i < kSuperblock / 4; ++i) {
    const auto word = read_at<std::uint32_t>(block + 66, i / 8);
    const unsigned signs = eight_signs(word >> i % 8 / 2 * 7) >> i % 2 * 4;
    out.scales[i / 8] = odd(word >> 28);
    put_signed(iq3_xxs_entry(byte_at(block + 2, i)), signs, kIq3Digits, out.codes + i * 4);
  }
}

// [f16 scale][64 bytes: lower bits of entries][64 ninth bits][32 bytes of signs][8 nibbles of scales]
void read_iq3_s(const std::byte* block, Superblock& out) {
  out = Superblock{};
  out.scale = read_at<std::uint16_t>(block, 0);
  for (int i = 0; i < kSuperblock / 4; ++i) {
    const unsigned high = byte_at(block + 66, i / 8) >> i % 8 & 1;
    const unsigned signs = byte_at(block + 74, i / 2) >> i % 2 * 4;
    out.scales[i / 8] = odd(nibble_at(block + 106, i / 8));
    put_signed(iq3_s_entry(byte_at(block + 2, i) | high << 8), signs, kIq3Digits, out.codes + i * 4);
  }
}

// [f16 scale][32 bytes: lower bits of entries] and for 32 values each [4 times the upper 3 bits, 3 bits of
// scale, a bit that says -1/8]
void read_iq1_s(const std::byte* block, Superblock& out) {
  out = Superblock{};
  out.scale = read_at<std::uint16_t>(block, 0);
  for (int i = 0; i < kEights; ++i) {
    const unsigned word = read_at<std::uint16_t>(block + 34, i / 4);
    out.scales[i / 4] = odd(word >> 12 & 7);
    put_shifted(iq1_entry(byte_at(block + 2, i) | (word >> i % 4 * 3 & 7) << 8), (word >> 15) != 0,
                out.codes + i * 8);
  }
}

// [32 bytes: lower bits of entries][32 nibbles: upper 3 bits and one that says -1/8][4 times 4 scales of 3
// bits and 4 bits of the f16 scale, the lowest first]
void read_iq1_m(const std::byte* block, Superblock& out) {
  out = Superblock{};
  for (int i = 0; i < 4; ++i) {
    const unsigned word = read_at<std::uint16_t>(block + 48, i);
    out.scale = static_cast<std::uint16_t>(out.scale | word >> 12 << 4 * i);
    for (int j = 0; j < 4; ++j) out.scales[i * 4 + j] = odd(word >> 3 * j & 7);
  }
  for (int i = 0; i < kEights; ++i) {
    const unsigned high = nibble_at(block + 32, i);
    put_shifted(iq1_entry(byte_at(block, i) | (high & 7) << 8), (high & 8) != 0, out.codes + i * 8);
  }
}

}  // namespace burin::kernels
