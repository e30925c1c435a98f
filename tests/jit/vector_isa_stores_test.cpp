// The stores of VectorIsa: the right bytes and no others.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "jit/vector_isa.hpp"
#include "tests/jit/isa_run.hpp"

namespace burin::jit {
namespace {

using tests::GuardedBuffer;

Words counting(const IsaSetting& s) {
  Words words;
  for (std::uint32_t lane = 0; lane < static_cast<std::uint32_t>(s.lanes); ++lane)
    words.push_back(0x01020304 * (lane + 1));
  return words;
}

// Memory that ends where the last byte may be written, so that one more faults.
TEST(VectorIsaStores, StoreLanes) {
  for (const IsaSetting& s : isa_settings())
    for (int lanes = 1; lanes <= s.lanes; ++lanes) {
      SCOPED_TRACE(s.text() + " lanes " + std::to_string(lanes));
      const Words x = counting(s);
      const GuardedBuffer memory(static_cast<std::size_t>(lanes) * 4, 4);
      const Four after = run_isa(
          s, {x},
          [&](Assembler& a, const auto& v) { a.isa().store_lanes(Xbyak::RegExp(a.rsi), v[0], lanes, v[1]); },
          memory.as());
      EXPECT_EQ(Words(memory.as<std::uint32_t>(), memory.as<std::uint32_t>() + lanes),
                Words(x.begin(), x.begin() + lanes));
      EXPECT_EQ(after[0], x);
    }
}

TEST(VectorIsaStores, StoreLanesLeavesTheRest) {
  for (const IsaSetting& s : isa_settings())
    for (int lanes = 1; lanes < s.lanes; ++lanes) {
      Words memory(static_cast<std::size_t>(s.lanes) + 1, 0xeeeeeeee);
      run_isa(
          s, {counting(s)},
          [&](Assembler& a, const auto& v) { a.isa().store_lanes(a.rsi + offset(4), v[0], lanes, v[1]); },
          memory.data());
      EXPECT_EQ(memory[0], 0xeeeeeeee);
      for (std::size_t i = static_cast<std::size_t>(lanes) + 1; i < memory.size(); ++i)
        EXPECT_EQ(memory[i], 0xeeeeeeee) << s.text() << " lanes " << lanes << " word " << i;
    }
}

TEST(VectorIsaStores, ScatterLanes) {
  for (const IsaSetting& s : isa_settings())
    for (const int bytes : {1, 2, 4})
      for (const int stride : {bytes, 12, 512})
        for (int lanes = 1; lanes <= s.lanes; ++lanes) {
          SCOPED_TRACE(s.text() + " lanes " + std::to_string(lanes) + " stride " + std::to_string(stride) +
                       " bytes " + std::to_string(bytes));
          const Words x = counting(s);
          const GuardedBuffer memory(static_cast<std::size_t>((lanes - 1) * stride + bytes), 1);
          std::vector<std::uint8_t> expected(memory.size(), 0xee);
          for (int lane = 0; lane < lanes; ++lane)
            std::memcpy(&expected[static_cast<std::size_t>(lane * stride)],
                        &x[static_cast<std::size_t>(lane)], static_cast<std::size_t>(bytes));
          std::memset(memory.as(), 0xee, memory.size());
          run_isa(
              s, {x},
              [&](Assembler& a, const auto& v) {
                a.isa().scatter_lanes(Xbyak::RegExp(a.rsi), stride, bytes, v[0], lanes, v[1]);
              },
              memory.as());
          const auto* stored = memory.as<std::uint8_t>();
          EXPECT_EQ(std::vector<std::uint8_t>(stored, stored + memory.size()), expected);
        }
}

TEST(VectorIsaStores, StoreAsInt8) {
  constexpr std::int32_t kNumbers[] = {0,   1,     -1,     127,   128,   -128,   -129,       1000,
                                       -70, 32768, -32769, 70000, 65536, -65537, 2147483647, -2147483647 - 1};
  for (const IsaSetting& s : isa_settings())
    for (int turn = 0; turn < 16; ++turn) {  // every number in every lane
      Words x;
      std::vector<std::int8_t> expected;
      for (int lane = 0; lane < s.lanes; ++lane) {
        const std::int32_t number = kNumbers[(lane + turn) % 16];
        x.push_back(static_cast<std::uint32_t>(number));
        expected.push_back(static_cast<std::int8_t>(std::clamp(number, -128, 127)));
      }
      const GuardedBuffer memory(static_cast<std::size_t>(s.lanes), 1);
      run_isa(
          s, {x},
          [](Assembler& a, const auto& v) { a.isa().store_as_int8(Xbyak::RegExp(a.rsi), v[0], v[1]); },
          memory.as());
      EXPECT_EQ(std::vector<std::int8_t>(memory.as<std::int8_t>(), memory.as<std::int8_t>() + s.lanes),
                expected)
          << s.text();
    }
}

}  // namespace
}  // namespace burin::jit
