// A layer's KV cache, written and read element by element by the words of templates/head_layout.hpp.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "templates/formats/float16.hpp"
#include "templates/head_layout.hpp"
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
  std::int64_t layer_offset() const { return layer_offset_; }
  std::int64_t head_offset(int kv_head) const {
    return layer_offset_ + std::int64_t{kv_head} * heads_.kv_block_bytes();
  }

  // Element `which` of a rotary pair of a key. What is read back is what the storage made of it.
  void set_key(int kv_head, std::int64_t position, int pair, int which, float value) const {
    store(key_place(kv_head, position, pair, which), value);
  }
  double key(int kv_head, std::int64_t position, int pair, int which) const {
    return load(key_place(kv_head, position, pair, which));
  }
  // `column` may lie in the padding behind the head's values.
  void set_value(int kv_head, std::int64_t position, int column, float value) const {
    store(value_place(kv_head, position, column), value);
  }
  double value(int kv_head, std::int64_t position, int column) const {
    return load(value_place(kv_head, position, column));
  }

 private:
  static constexpr std::int64_t kLayers = 2;  // the cache is the second one's

  bool f32() const { return heads_.kv == kernels::KvStorage::f32; }

  std::int64_t value_columns() const {
    return ((heads_.value_size > 0 ? heads_.value_size : heads_.head_size) + 15) / 16 * 16;
  }

  // Elements before the wanted one, then times the size of one: the layout's sentences as sums.
  std::byte* block(int kv_head, std::int64_t position) const {
    return blocks_[static_cast<std::size_t>(position / 64)] + head_offset(kv_head);
  }
  std::byte* key_place(int kv_head, std::int64_t position, int pair, int which) const {
    const std::int64_t slot = position % 64;
    std::byte* keys = block(kv_head, position);
    return f32() ? keys + ((pair * 2 + which) * 64 + slot) * 4 : keys + ((pair * 64 + slot) * 2 + which) * 2;
  }
  std::byte* value_place(int kv_head, std::int64_t position, int column) const {
    const std::int64_t slot = position % 64;
    const std::int64_t columns = value_columns();
    std::byte* values = block(kv_head, position) + 64 * heads_.head_size * (f32() ? 4 : 2);
    return f32() ? values + (slot * columns + column) * 4
                 : values + ((slot / 2 * columns + column) * 2 + slot % 2) * 2;
  }

  void store(std::byte* place, float value) const {
    if (f32()) {
      std::memcpy(place, &value, sizeof(value));
      return;
    }
    const std::uint16_t bits = kernels::f32_to_bf16(value);
    std::memcpy(place, &bits, sizeof(bits));
  }
  double load(const std::byte* place) const {
    float value;
    if (f32()) {
      std::memcpy(&value, place, sizeof(value));
    } else {
      std::uint16_t bits;
      std::memcpy(&bits, place, sizeof(bits));
      value = kernels::bf16_to_f32(bits);
    }
    return static_cast<double>(value);
  }

  kernels::HeadLayout heads_;
  std::int64_t layer_offset_;
  GuardedBuffer memory_;
  std::vector<std::byte*> blocks_;
};

}  // namespace burin::tests
