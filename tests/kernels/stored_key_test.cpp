// Keys written and read one at a time, against the words of templates/head_layout.hpp.
#include "templates/heads/stored_key.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/support/kv_cache.hpp"
#include "tests/support/random_values.hpp"

namespace burin::kernels {
namespace {

// Half a step of the storage between numbers up to `largest`.
double rounding(KvStorage storage, double largest) {
  switch (storage) {
    case KvStorage::f32: return 0;
    case KvStorage::f16: return largest * 0x1p-11;
    case KvStorage::bf16: return largest * 0x1p-8;
    case KvStorage::int8: return largest * 0.50001 / 127;
  }
  return 0;
}

TEST(StoredKey, IsWhereTheLayoutSays) {
  tests::RandomValues random(7);
  for (const KvStorage storage : {KvStorage::f32, KvStorage::f16, KvStorage::bf16, KvStorage::int8})
    for (const int head_size : {2, 20, 64}) {
      const HeadLayout heads = {4, 2, head_size, storage};
      const tests::KvCache cache(heads, 128);
      for (const std::int64_t slot : {0, 1, 63, 64, 100}) {
        std::vector<float> key = random.values(static_cast<std::size_t>(head_size));
        for (float& x : key) x *= 3;
        std::byte* part = cache.blocks()[slot / 64] + cache.head_offset(1);
        write_key(heads, part, static_cast<int>(slot % 64), key);
        std::vector<float> read(key.size());
        read_key(heads, part, static_cast<int>(slot % 64), read);
        double largest = 0;
        for (const float x : key) largest = std::max(largest, static_cast<double>(std::fabs(x)));
        for (std::size_t i = 0; i < key.size(); ++i) {
          const double stored = cache.key(1, slot, static_cast<int>(i / 2), static_cast<int>(i % 2));
          EXPECT_NEAR(stored, static_cast<double>(key[i]), rounding(storage, largest));
          EXPECT_NEAR(static_cast<double>(read[i]), stored, 1e-6 * largest);
        }
      }
    }
}

TEST(StoredKey, IsFiniteInF16AndInt8) {
  for (const KvStorage storage : {KvStorage::f16, KvStorage::int8}) {
    const HeadLayout heads = {1, 1, 4, storage};
    const tests::KvCache cache(heads, 1);
    std::byte* part = cache.blocks()[0] + cache.head_offset(0);
    std::vector<float> read(4);
    write_key(heads, part, 0, std::vector<float>{1e9f, -1e9f, 0, 1});
    read_key(heads, part, 0, read);
    for (const float x : read) EXPECT_TRUE(std::isfinite(x));
    write_key(heads, part, 0, std::vector<float>(4, 0.0f));
    read_key(heads, part, 0, read);
    EXPECT_EQ(read, std::vector<float>(4, 0.0f));
  }
}

}  // namespace
}  // namespace burin::kernels
