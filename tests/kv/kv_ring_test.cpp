// The ring against a list of tokens from which the oldest are taken away.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "runtime/kv/token_window.hpp"

namespace burin::runtime {
namespace {

// What the rule says, told with a vector: cached[i] is the number of the token with index i.
class ListOfTokens {
 public:
  ListOfTokens(std::int64_t context, std::int64_t keep, std::int64_t discard)
      : context_(context), keep_(keep), discard_(discard) {}

  void feed(std::int64_t token) {
    if (static_cast<std::int64_t>(cached_.size()) == context_)
      cached_.erase(cached_.begin() + keep_, cached_.begin() + keep_ + discard_);
    cached_.push_back(token);
  }
  const std::vector<std::int64_t>& cached() const { return cached_; }

 private:
  std::int64_t context_, keep_, discard_;
  std::vector<std::int64_t> cached_;
};

struct Case {
  std::int64_t context, keep, discard;
};
constexpr Case kCases[] = {{8, 2, 3},  {8, 2, 6},     {8, 0, 1}, {8, 7, 1}, {64, 4, 30},
                           {65, 1, 1}, {130, 66, 64}, {2, 1, 1}, {1, 0, 1}};

// Slots and positions of what a span list shows to a row at `position`.
std::map<std::int64_t, std::int64_t> shown(const KeySpans& spans, std::int64_t position) {
  std::map<std::int64_t, std::int64_t> positions;
  for (const kernels::KeySpan& span : spans.get())
    for (std::int64_t slot = span.first_slot; slot < span.end_slot; ++slot)
      if (slot + span.shift <= position) {
        EXPECT_TRUE(positions.emplace(slot, slot + span.shift).second) << "slot " << slot << " twice";
      }
  return positions;
}

std::vector<std::int64_t> slots_of(const std::map<std::int64_t, std::int64_t>& positions) {
  std::vector<std::int64_t> slots;
  for (const auto& [slot, position] : positions) slots.push_back(slot);
  return slots;
}

TEST(KvRing, ShowsEveryTokenWhereTheListHasIt) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(testing::Message() << c.context << " " << c.keep << " " << c.discard);
    const KvRing ring = {c.keep, c.context};
    TokenWindow window(c.context, {true, c.keep, c.discard});
    ListOfTokens list(c.context, c.keep, c.discard);
    std::vector<std::int64_t> token_of_slot(static_cast<std::size_t>(c.context), -1);
    for (TokenId token = 0; token < 3 * c.context + 10; ++token) {
      if (window.room() == 0) window.discard();
      const std::int64_t position = window.position();
      token_of_slot[static_cast<std::size_t>(ring.slot_of(position))] = token;
      window.append({&token, 1});
      list.feed(token);
      ASSERT_EQ(window.count(), static_cast<std::int64_t>(list.cached().size()));
      std::vector<TokenId> tokens(static_cast<std::size_t>(window.count()));
      window.copy_to(tokens);
      ASSERT_TRUE(std::equal(tokens.begin(), tokens.end(), list.cached().begin(), list.cached().end()));

      const auto by_distance = shown(ring.spans(position, 1, window.removed(), true), position);
      ASSERT_EQ(by_distance.size(), list.cached().size());
      for (const auto& [slot, at] : by_distance)
        ASSERT_EQ(token_of_slot[static_cast<std::size_t>(slot)],
                  list.cached()[static_cast<std::size_t>(at - window.removed())]);
      const auto by_slot = shown(ring.spans(position, 1, window.removed(), false), position);
      ASSERT_EQ(by_slot.size(), by_distance.size());
      for (const auto& [slot, at] : by_slot) ASSERT_TRUE(by_distance.contains(slot));
    }
  }
}

// Several rows at once: each sees what it would see alone.
TEST(KvRing, RowsOfAChunkSeeWhatTheySeeAlone) {
  for (const Case& c : {Case{64, 4, 30}, {130, 66, 64}, {40, 0, 7}}) {
    const KvRing ring = {c.keep, c.context};
    TokenWindow window(c.context, {true, c.keep, c.discard});
    while (window.position() < 500) {
      if (window.room() == 0) window.discard();
      const std::int64_t first = window.position();
      const std::int64_t rows = std::min({std::int64_t{9}, window.room(), ring.slots_in_a_row(first)});
      for (const bool by_distance : {false, true}) {
        const KeySpans together = ring.spans(first, rows, window.removed(), by_distance);
        for (std::int64_t row = first; row < first + rows; ++row) {
          const auto alone = shown(ring.spans(row, 1, window.removed(), by_distance), row);
          EXPECT_EQ(slots_of(shown(together, row)), slots_of(alone));
          if (by_distance) {
            EXPECT_EQ(shown(together, row), alone);
          }
        }
      }
      window.append(std::vector<TokenId>(static_cast<std::size_t>(rows), 1));
    }
  }
}

// Where distances do not matter, it costs a kernel nothing that a full ring has wrapped.
TEST(KvRing, OneRowSeesAFullRingAsOneSpan) {
  const KvRing ring = {4, 64};
  for (std::int64_t position = 64; position < 300; ++position) {
    const KeySpans spans = ring.spans(position, 1, position - 63, false);
    ASSERT_EQ(spans.get().size(), 1u);
    EXPECT_EQ(spans.get()[0].first_slot, 0);
    EXPECT_EQ(spans.get()[0].end_slot, 64);
    EXPECT_EQ(spans.get()[0].shift + 63, position);
  }
}

// A ring that is shorter than the sequence, for a window: the latest tokens are there.
TEST(KvRing, AShortRingHasTheLatestTokens) {
  const KvRing ring = {2, 12};
  for (std::int64_t position = 0; position < 50; ++position) {
    const auto positions = shown(ring.spans(position, 1, 0, true), position);
    for (std::int64_t back = 0; back < 10 && back <= position; ++back) {
      const auto slot = positions.find(ring.slot_of(position - back));
      ASSERT_NE(slot, positions.end());
      EXPECT_EQ(slot->second, position - back);
    }
  }
}

TEST(TokenWindow, IsCutWhereNothingHasToComeBack) {
  TokenWindow window(10, {true, 2, 4});
  const auto feed = [&](int count) {
    for (TokenId token = 0; token < count; ++token) {
      if (window.room() == 0) window.discard();
      window.append({&token, 1});
    }
  };
  feed(8);
  EXPECT_TRUE(window.cut(0));
  EXPECT_EQ(window.count(), 0);
  feed(11);
  EXPECT_EQ(window.removed(), 4);
  EXPECT_EQ(window.count(), 7);
  EXPECT_FALSE(window.cut(12));
  EXPECT_FALSE(window.cut(5));  // tokens 2 to 5 are gone
  EXPECT_TRUE(window.cut(6));
  EXPECT_EQ(window.count(), 2);
  EXPECT_EQ(window.position(), 6);
}

}  // namespace
}  // namespace burin::runtime
