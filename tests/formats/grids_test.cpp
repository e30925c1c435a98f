// The grids against checksums of the published ones, written as ggml's header has them.
#include "templates/formats/grids.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace burin::kernels {
namespace {

// FNV-1a over the bytes that `magnitudes` makes of the digits.
template <typename Entry>
std::uint64_t checksum(Entry entry_of, unsigned entries, const std::vector<int>& magnitudes) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (unsigned i = 0; i < entries; ++i)
    for (const std::uint8_t digit : entry_of(i)) {
      hash ^= static_cast<std::uint8_t>(magnitudes.at(digit));
      hash *= 0x100000001b3u;
    }
  return hash;
}

TEST(Grids, AreThePublishedOnes) {
  const std::vector<int> iq2 = {8, 25, 43};
  EXPECT_EQ(checksum(iq2_xxs_entry, 256, iq2), 0xbb4ee025b5ac6e8eu);
  EXPECT_EQ(checksum(iq2_xs_entry, 512, iq2), 0xc9b1ee61e79909bdu);
  EXPECT_EQ(checksum(iq2_s_entry, 1024, iq2), 0x123edd38a3b62b90u);
  EXPECT_EQ(checksum(iq3_xxs_entry, 256, {4, 12, 20, 28, 36, 44, 52, 62}), 0xdfa5dc83d6a155d5u);
  EXPECT_EQ(checksum(iq3_s_entry, 512, {1, 3, 5, 7, 9, 11, 13, 15}), 0xfa37020c25b44829u);
  EXPECT_EQ(checksum(iq1_entry, 2048, {-1, 0, 1}), 0x6703ed863501ae2eu);
}

TEST(Grids, LastEntries) {
  EXPECT_EQ(iq2_xxs_entry(255), (GridEntry<8>{0, 1, 0, 0, 1, 2, 2, 2}));  // 0x2b2b2b1908081908
  EXPECT_EQ(iq3_xxs_entry(255), (GridEntry<4>{0, 3, 6, 7}));              // 0x3e341c04
  EXPECT_EQ(iq3_s_entry(511), (GridEntry<4>{0, 0, 7, 7}));                // 0x0f0f0101
  EXPECT_EQ(iq1_entry(2047), (GridEntry<8>{2, 2, 2, 2, 2, 2, 2, 2}));
}

}  // namespace
}  // namespace burin::kernels
