#include "runtime/synthetic/random_blocks.hpp"

#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <iterator>

#include "templates/formats/float16.hpp"

namespace burin::runtime {
namespace {

using kernels::StoredType;

// Where a block has f16 scales (and minimums), and how large they are; all other bytes are codes.
struct BlockScales {
  StoredType type;
  float scale;
  int offsets[2];  // -1: none
};

constexpr BlockScales kScales[] = {
    {StoredType::q4_0, 4e-3f, {0, -1}},   {StoredType::q4_1, 4e-3f, {0, 2}},
    {StoredType::q5_0, 2e-3f, {0, -1}},   {StoredType::q5_1, 2e-3f, {0, 2}},
    {StoredType::q8_0, 3e-4f, {0, -1}},   {StoredType::q2_k, 1e-3f, {80, 82}},
    {StoredType::q3_k, 5e-4f, {108, -1}}, {StoredType::q4_k, 1e-4f, {0, 2}},
    {StoredType::q5_k, 5e-5f, {0, 2}},    {StoredType::q6_k, 2e-5f, {208, -1}},
    {StoredType::iq4_nl, 3e-4f, {0, -1}}, {StoredType::iq4_xs, 2e-5f, {0, -1}},
};

constexpr std::byte kMxfp4Exponent{120};          // 2^-7
constexpr std::uint32_t kFloatBits = 0x3c23d70a;  // 0.01

const BlockScales* find_scales(StoredType type) {
  const auto* at = std::find_if(std::begin(kScales), std::end(kScales),
                                [&](const BlockScales& scales) { return scales.type == type; });
  return at == std::end(kScales) ? nullptr : at;
}

// Sign and low bits are random, so that values are 0.005 to 0.02 of either sign.
std::uint32_t random_float(std::uint64_t random) {
  return kFloatBits ^ static_cast<std::uint32_t>(random & 0x807fffff);
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ull + 1) {}
  std::uint64_t next() {  // xorshift64 (Marsaglia, 2003)
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }

 private:
  std::uint64_t state_;
};

void fill_floats(StoredType type, Random& random, std::span<std::byte> bytes) {
  const std::size_t size = type == StoredType::f32 ? 4 : 2;
  for (std::size_t at = 0; at + size <= bytes.size(); at += size) {
    const std::uint32_t bits = random_float(random.next());
    float value = 0;
    std::memcpy(&value, &bits, sizeof(value));
    const std::uint32_t stored = type == StoredType::f32   ? bits
                                 : type == StoredType::f16 ? kernels::f32_to_f16(value)
                                                           : kernels::f32_to_bf16(value);
    std::memcpy(&bytes[at], &stored, size);
  }
}

void fill_codes(Random& random, std::span<std::byte> bytes) {
  for (std::size_t at = 0; at < bytes.size(); at += 8) {
    const std::uint64_t codes = random.next();
    std::memcpy(&bytes[at], &codes, std::min<std::size_t>(8, bytes.size() - at));
  }
}

bool is_float(StoredType type) {
  return type == StoredType::f32 || type == StoredType::f16 || type == StoredType::bf16;
}

}  // namespace

bool has_random_blocks(StoredType type) {
  return is_float(type) || type == StoredType::mxfp4 || find_scales(type) != nullptr;
}

void fill_random_blocks(StoredType type, std::uint64_t seed, std::span<std::byte> bytes) {
  Random random(seed);
  if (is_float(type)) return fill_floats(type, random, bytes);
  fill_codes(random, bytes);
  const auto block = static_cast<std::size_t>(kernels::layout_of(type).bytes);
  const BlockScales* scales = find_scales(type);
  for (std::size_t at = 0; at + block <= bytes.size(); at += block) {
    if (scales == nullptr) {
      bytes[at] = kMxfp4Exponent;
      continue;
    }
    const std::uint16_t scale = kernels::f32_to_f16(scales->scale);
    for (const int offset : scales->offsets)
      if (offset >= 0) std::memcpy(&bytes[at + static_cast<std::size_t>(offset)], &scale, sizeof(scale));
  }
}

}  // namespace burin::runtime
