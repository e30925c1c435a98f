#include "templates/heads/stored_key.hpp"

#include <cstdint>
#include <cstring>

#include "templates/formats/float16.hpp"

namespace burin::kernels {
namespace {

// Elements of type T from a key's first one.
std::size_t place(const HeadLayout& heads, std::size_t element, int slot) {
  const std::size_t pair = element / 2;
  const std::size_t which = element % 2;
  const auto at = static_cast<std::size_t>(slot);
  return heads.kv == KvStorage::f32 ? (pair * 2 + which) * kKvBlock + at : (pair * kKvBlock + at) * 2 + which;
}

}  // namespace

void read_key(const HeadLayout& heads, const std::byte* head_block, int slot, std::span<float> key) {
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (heads.kv == KvStorage::f32) {
      std::memcpy(&key[i], head_block + place(heads, i, slot) * sizeof(float), sizeof(float));
    } else {
      std::uint16_t bits = 0;
      std::memcpy(&bits, head_block + place(heads, i, slot) * sizeof(bits), sizeof(bits));
      key[i] = bf16_to_f32(bits);
    }
  }
}

void write_key(const HeadLayout& heads, std::byte* head_block, int slot, std::span<const float> key) {
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (heads.kv == KvStorage::f32) {
      std::memcpy(head_block + place(heads, i, slot) * sizeof(float), &key[i], sizeof(float));
    } else {
      const std::uint16_t bits = f32_to_bf16(key[i]);
      std::memcpy(head_block + place(heads, i, slot) * sizeof(bits), &bits, sizeof(bits));
    }
  }
}

}  // namespace burin::kernels
