#include "templates/heads/stored_key.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "templates/formats/float16.hpp"

namespace burin::kernels {
namespace {

template <typename T>
T get(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}
template <typename T>
void put(std::byte* to, T value) {
  std::memcpy(to, &value, sizeof(value));
}

// Bytes from the block's keys to an element; elements go pair by pair.
std::size_t place(const HeadLayout& heads, std::size_t element, int slot) {
  const auto at = static_cast<std::size_t>(slot);
  const auto together = static_cast<std::size_t>(heads.elements_per_place());
  const std::size_t elements = (element / together * kKvBlock + at) * together + element % together;
  return elements * static_cast<std::size_t>(heads.element_bytes());
}

int scale_place(const HeadLayout& heads, int slot) { return heads.key_scales_offset() + slot * 4; }

// Stores the scale and returns its inverse.
float write_scale(const HeadLayout& heads, std::byte* head_block, int slot, std::span<const float> key) {
  float largest = kSmallestMagnitude;
  for (const float x : key) largest = std::max(largest, std::fabs(x));
  put(head_block + scale_place(heads, slot), largest * (1 / kLargestCode));
  return kLargestCode / largest;
}

}  // namespace

void read_key(const HeadLayout& heads, const std::byte* head_block, int slot, std::span<float> key) {
  const float scale = heads.kv == KvStorage::int8 ? get<float>(head_block + scale_place(heads, slot)) : 1.0f;
  for (std::size_t i = 0; i < key.size(); ++i) {
    const std::byte* from = head_block + place(heads, i, slot);
    switch (heads.kv) {
      case KvStorage::f32: key[i] = get<float>(from); break;
      case KvStorage::f16: key[i] = f16_to_f32(get<std::uint16_t>(from)); break;
      case KvStorage::bf16: key[i] = bf16_to_f32(get<std::uint16_t>(from)); break;
      case KvStorage::int8: key[i] = scale * static_cast<float>(get<std::int8_t>(from)); break;
    }
  }
}

void write_key(const HeadLayout& heads, std::byte* head_block, int slot, std::span<const float> key) {
  const float inverse = heads.kv == KvStorage::int8 ? write_scale(heads, head_block, slot, key) : 1.0f;
  for (std::size_t i = 0; i < key.size(); ++i) {
    std::byte* to = head_block + place(heads, i, slot);
    switch (heads.kv) {
      case KvStorage::f32: put(to, key[i]); break;
      case KvStorage::f16:
        put(to, f32_to_f16(std::clamp(key[i], -kLargestFiniteF16, kLargestFiniteF16)));
        break;
      case KvStorage::bf16: put(to, f32_to_bf16(key[i])); break;
      case KvStorage::int8: put(to, static_cast<std::int8_t>(std::lrint(key[i] * inverse))); break;
    }
  }
}

}  // namespace burin::kernels
