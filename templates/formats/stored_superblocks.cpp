#include "templates/formats/stored_superblocks.hpp"

#include <cstring>

namespace burin::kernels {
namespace {

constexpr int kGroups16 = kSuperblock / 16;

unsigned byte_at(const std::byte* from, int at) { return std::to_integer<unsigned>(from[at]); }

std::uint16_t read_f16(const std::byte* from) {
  std::uint16_t bits;
  std::memcpy(&bits, from, sizeof(bits));
  return bits;
}

// Fields of `width` bits, of 32 inputs in 32 bytes: bytes 0..31 hold inputs 0..31 in their lowest field,
// inputs 32..63 in the next one and so on; the next 32 bytes go on from there. Adds them to the codes at bit
// `to`.
void add_fields(const std::byte* from, int width, int to, std::uint8_t* codes) {
  const int fields = 8 / width;
  const unsigned mask = (1u << width) - 1;
  for (int i = 0; i < kSuperblock; ++i) {
    const int run = i / 32;
    const unsigned field = byte_at(from, run / fields * 32 + i % 32) >> (run % fields * width) & mask;
    codes[i] = static_cast<std::uint8_t>(codes[i] | field << to);
  }
}

void clear(Superblock& out) { out = Superblock{}; }

// 12 bytes with 8 scales and 8 minimums of 6 bits: scales 0..3 and minimums 0..3 in the low 6 bits of bytes
// 0..3 and 4..7, whose upper 2 bits are the upper bits of scales 4..7 and minimums 4..7; the nibbles of
// bytes 8..11 are the lower 4 bits of those, scales low, minimums high.
void read_six_bit_pairs(const std::byte* from, Superblock& out) {
  for (int i = 0; i < 4; ++i) {
    const unsigned scale = byte_at(from, i);
    const unsigned minimum = byte_at(from, 4 + i);
    const unsigned low = byte_at(from, 8 + i);
    out.scales[i] = static_cast<std::int8_t>(scale & 63);
    out.minimums[i] = static_cast<std::uint8_t>(minimum & 63);
    out.scales[4 + i] = static_cast<std::int8_t>((low & 15) | scale >> 6 << 4);
    out.minimums[4 + i] = static_cast<std::uint8_t>(low >> 4 | minimum >> 6 << 4);
  }
}

}  // namespace

// [16 bytes: scale low, minimum high nibble][64 bytes of 2-bit codes][f16 scale][f16 minimum]
void read_q2_k(const std::byte* block, Superblock& out) {
  clear(out);
  for (int i = 0; i < kGroups16; ++i) {
    out.scales[i] = static_cast<std::int8_t>(byte_at(block, i) & 15);
    out.minimums[i] = static_cast<std::uint8_t>(byte_at(block, i) >> 4);
  }
  add_fields(block + 16, 2, 0, out.codes);
  out.scale = read_f16(block + 80);
  out.minimum = read_f16(block + 82);
}

// [32 bytes of upper bits][64 bytes of lower 2 bits][12 bytes of 6-bit scales plus 32][f16 scale]
// Scale i: its lower 4 bits are the low (i < 8) or high nibble of byte i % 8, its upper 2 bits the pair i / 4
// of byte 8 + i % 4.
void read_q3_k(const std::byte* block, Superblock& out) {
  clear(out);
  add_fields(block + 32, 2, 0, out.codes);
  add_fields(block, 1, 2, out.codes);
  const std::byte* scales = block + 96;
  for (int i = 0; i < kGroups16; ++i) {
    const unsigned low = byte_at(scales, i % 8) >> (i / 8 * 4) & 15;
    const unsigned high = byte_at(scales, 8 + i % 4) >> (i / 4 * 2) & 3;
    out.scales[i] = static_cast<std::int8_t>(static_cast<int>(low | high << 4) - 32);
  }
  out.scale = read_f16(block + 108);
}

// [f16 scale][f16 minimum][12 bytes of 6-bit scales and minimums][128 bytes of 4-bit codes]
void read_q4_k(const std::byte* block, Superblock& out) {
  clear(out);
  out.scale = read_f16(block);
  out.minimum = read_f16(block + 2);
  read_six_bit_pairs(block + 4, out);
  add_fields(block + 16, 4, 0, out.codes);
}

// [f16 scale][f16 minimum][12 bytes of 6-bit scales and minimums][32 bytes of fifth bits][128 bytes of lower
// 4 bits]
void read_q5_k(const std::byte* block, Superblock& out) {
  clear(out);
  out.scale = read_f16(block);
  out.minimum = read_f16(block + 2);
  read_six_bit_pairs(block + 4, out);
  add_fields(block + 48, 4, 0, out.codes);
  add_fields(block + 16, 1, 4, out.codes);
}

// [128 bytes of lower 4 bits][64 bytes of upper 2 bits][16 int8 scales][f16 scale]
// 128 inputs take 64 bytes of lower bits: inputs 0..63 their low, 64..127 their high nibbles.
void read_q6_k(const std::byte* block, Superblock& out) {
  clear(out);
  for (int i = 0; i < kSuperblock; ++i)
    out.codes[i] =
        static_cast<std::uint8_t>(byte_at(block, i / 128 * 64 + i % 64) >> (i % 128 / 64 * 4) & 15);
  add_fields(block + 128, 2, 4, out.codes);
  std::memcpy(out.scales, block + 192, sizeof(out.scales));
  out.scale = read_f16(block + 208);
}

}  // namespace burin::kernels
