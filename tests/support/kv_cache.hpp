// A layer's KV cache, written and read element by element by the words of templates/head_layout.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "templates/formats/float16.hpp"
#include "templates/head_layout.hpp"
#include "templates/heads/kv_arguments.hpp"
#include "tests/support/guarded_buffer.hpp"

namespace burin::tests {

// Blocks hold more than one layer and lie in memory in the reverse of their order.
class KvCache {
 public:
  KvCache(const kernels::HeadLayout& heads, std::int64_t slots)
      : heads_(heads),
        layer_offset_(heads.layer_block_bytes()),
        memory_(static_cast<std::size_t>((slots + 63) / 64 * kLayers * heads.layer_block_bytes())) {
    const std::int64_t block_bytes = kLayers * heads.layer_block_bytes();
    for (std::int64_t at = (slots + 63) / 64; at-- > 0;) blocks_.push_back(memory_.as() + at * block_bytes);
  }

  const kernels::HeadLayout& heads() const { return heads_; }
  std::byte* bytes() const { return memory_.as(); }
  std::size_t size() const { return memory_.size(); }
  std::byte* const* blocks() const { return blocks_.data(); }
  kernels::KvPlace place(std::int64_t position) const {
    return {blocks_[static_cast<std::size_t>(position / 64)], position % 64};
  }
  std::int64_t layer_offset() const { return layer_offset_; }
  std::int64_t head_offset(int kv_head) const {
    return layer_offset_ + std::int64_t{kv_head} * heads_.kv_block_bytes();
  }

  // int8 only: what its elements are multiples of, set before them.
  bool has_scales() const { return heads_.kv == Storage::int8; }
  float key_scale(int kv_head, std::int64_t position) const { return *key_scale_place(kv_head, position); }
  float value_scale(int kv_head, std::int64_t position) const {
    return *value_scale_place(kv_head, position);
  }
  void set_scales(int kv_head, std::int64_t position, float key, float value) const {
    *key_scale_place(kv_head, position) = key;
    *value_scale_place(kv_head, position) = value;
  }

  // Element `which` of a rotary pair of a key. What is read back is what the storage made of it.
  void set_key(int kv_head, std::int64_t position, int pair, int which, float value) const {
    store(key_place(kv_head, position, pair, which), value, key_scale_place(kv_head, position));
  }
  double key(int kv_head, std::int64_t position, int pair, int which) const {
    return load(key_place(kv_head, position, pair, which), key_scale_place(kv_head, position));
  }
  // `column` may lie in the padding behind the head's values.
  void set_value(int kv_head, std::int64_t position, int column, float value) const {
    store(value_place(kv_head, position, column), value, value_scale_place(kv_head, position));
  }
  double value(int kv_head, std::int64_t position, int column) const {
    return load(value_place(kv_head, position, column), value_scale_place(kv_head, position));
  }

 private:
  static constexpr std::int64_t kLayers = 2;  // the cache is the second one's

  using Storage = kernels::KvStorage;
  // Elements of a key, or slots of a value's column, that lie side by side.
  std::int64_t together() const {
    return heads_.kv == Storage::int8 ? 4 : heads_.kv == Storage::bf16 ? 2 : 1;
  }
  std::int64_t bytes_each() const {
    switch (heads_.kv) {
      case Storage::f32: return 4;
      case Storage::f16:
      case Storage::bf16: return 2;
      case Storage::int8: return 1;
    }
    return 0;
  }
  std::int64_t scales() const { return heads_.kv == Storage::int8 ? 64 * 4 : 0; }

  std::int64_t value_columns() const {
    return ((heads_.value_size > 0 ? heads_.value_size : heads_.head_size) + 15) / 16 * 16;
  }

  // Elements before the wanted one, then times the size of one: the layout's sentences as sums.
  std::byte* block(int kv_head, std::int64_t position) const {
    return blocks_[static_cast<std::size_t>(position / 64)] + head_offset(kv_head);
  }
  // Of 64 slots, in whole places.
  std::int64_t key_bytes() const {
    return 64 * ((heads_.head_size + together() - 1) / together() * together()) * bytes_each();
  }
  std::byte* key_place(int kv_head, std::int64_t position, int pair, int which) const {
    const std::int64_t slot = position % 64;
    std::byte* keys = block(kv_head, position);
    const std::int64_t element = pair * 2 + which;
    return keys + ((element / together() * 64 + slot) * together() + element % together()) * bytes_each();
  }
  std::byte* value_place(int kv_head, std::int64_t position, int column) const {
    const std::int64_t slot = position % 64;
    const std::int64_t columns = value_columns();
    std::byte* values = values_of_block(kv_head, position);
    return values +
           ((slot / together() * columns + column) * together() + slot % together()) * bytes_each();
  }

  std::byte* values_of_block(int kv_head, std::int64_t position) const {
    return block(kv_head, position) + key_bytes() + scales();
  }
  float* key_scale_place(int kv_head, std::int64_t position) const {
    return reinterpret_cast<float*>(values_of_block(kv_head, position) - scales()) + position % 64;
  }
  float* value_scale_place(int kv_head, std::int64_t position) const {
    return reinterpret_cast<float*>(values_of_block(kv_head, position) + 64 * value_columns()) +
           position % 64;
  }

  void store(std::byte* place, float value, const float* scale) const {
    const auto put = [place](auto bits) { std::memcpy(place, &bits, sizeof(bits)); };
    switch (heads_.kv) {
      case Storage::f32: return put(value);
      case Storage::f16: return put(kernels::f32_to_f16(value));
      case Storage::bf16: return put(kernels::f32_to_bf16(value));
      case Storage::int8:
        return put(static_cast<std::int8_t>(std::lrint(std::clamp(value / *scale, -127.0f, 127.0f))));
    }
  }
  double load(const std::byte* place, const float* scale) const {
    const auto get = [place](auto bits) {
      std::memcpy(&bits, place, sizeof(bits));
      return bits;
    };
    switch (heads_.kv) {
      case Storage::f32: return static_cast<double>(get(float{}));
      case Storage::f16: return static_cast<double>(kernels::f16_to_f32(get(std::uint16_t{})));
      case Storage::bf16: return static_cast<double>(kernels::bf16_to_f32(get(std::uint16_t{})));
      case Storage::int8: return static_cast<double>(get(std::int8_t{})) * static_cast<double>(*scale);
    }
    return 0;
  }

  kernels::HeadLayout heads_;
  std::int64_t layer_offset_;
  GuardedBuffer memory_;
  std::vector<std::byte*> blocks_;
};

}  // namespace burin::tests
