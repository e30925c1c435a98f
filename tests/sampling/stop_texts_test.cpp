#include "runtime/stop_texts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "jit/error.hpp"
#include "runtime/sampling/random.hpp"

namespace burin::runtime {
namespace {

struct Outcome {
  std::string text;
  bool found;
  bool operator==(const Outcome&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  return out << '"' << outcome.text << '"' << (outcome.found ? " stopped" : " not stopped");
}

// All that comes out when the pieces are fed one after the other, to the end of the text.
Outcome stream(StopTexts& stops, const std::vector<std::string>& pieces) {
  std::string text;
  for (const std::string& piece : pieces) text += stops.add(piece);
  text += stops.flush();
  return {text, stops.found()};
}

Outcome stream(const std::vector<std::string>& stops, const std::vector<std::string>& pieces) {
  StopTexts stop_texts(stops);
  return stream(stop_texts, pieces);
}

TEST(StopTexts, WithoutAnyEverythingPasses) {
  StopTexts stops({});
  EXPECT_EQ(stops.add("Once "), "Once ");
  EXPECT_EQ(stops.add(""), "");
  EXPECT_EQ(stops.add("upon"), "upon");
  EXPECT_EQ(stops.flush(), "");
  EXPECT_FALSE(stops.found());
}

TEST(StopTexts, ReleasesWhatComesBeforeAStopText) {
  StopTexts stops({"END"});
  EXPECT_EQ(stops.add("the ENDing"), "the ");
  EXPECT_TRUE(stops.found());
  EXPECT_EQ(stops.add("more"), "");
  EXPECT_EQ(stops.flush(), "");
  EXPECT_TRUE(stops.found());
}

TEST(StopTexts, HoldsBackNoMoreThanWhatMayBecomeAStopText) {
  StopTexts stops({"\nUser:"});
  EXPECT_EQ(stops.add("Hello"), "Hello");
  EXPECT_EQ(stops.add("!\n"), "!");
  EXPECT_EQ(stops.add("Use"), "");
  EXPECT_EQ(stops.add(" it\nUs"), "\nUse it");
  EXPECT_FALSE(stops.found());
  EXPECT_EQ(stops.add("er"), "");
  EXPECT_EQ(stops.add(":"), "");
  EXPECT_TRUE(stops.found());
}

TEST(StopTexts, FlushGivesWhatWasHeldBack) {
  StopTexts stops({"END"});
  EXPECT_EQ(stops.add("the EN"), "the ");
  EXPECT_EQ(stops.flush(), "EN");
  EXPECT_EQ(stops.flush(), "");
  EXPECT_FALSE(stops.found());
  EXPECT_EQ(stops.add("D"), "D");  // what was flushed is out and cannot become a stop text any more
}

TEST(StopTexts, AFailedMatchMayHoldTheStartOfAnother) {
  EXPECT_EQ(stream({"aab"}, {"a", "a", "a", "b", "c"}), (Outcome{"a", true}));
  EXPECT_EQ(stream({"abab!"}, {"ab", "abab", "!"}), (Outcome{"ab", true}));
  EXPECT_EQ(stream({"aaaa"}, {"aaa", "b", "aaa"}), (Outcome{"aaabaaa", false}));
}

TEST(StopTexts, TheOneThatIsCompleteFirstCounts) {
  EXPECT_EQ(stream({"stop", "stopping"}, {"I am stopping"}), (Outcome{"I am ", true}));
  EXPECT_EQ(stream({"stopping", "stop"}, {"I am stop"}), (Outcome{"I am ", true}));
  EXPECT_EQ(stream({"abcd", "bc"}, {"xabcd"}), (Outcome{"xa", true}));
  EXPECT_EQ(stream({"later", "now"}, {"now or later"}), (Outcome{"", true}));
}

TEST(StopTexts, OfThoseThatEndTogetherTheLongestCounts) {
  EXPECT_EQ(stream({"c", "abc", "bc"}, {"xabc"}), (Outcome{"x", true}));
  EXPECT_EQ(stream({"bc", "abc"}, {"xa", "b", "c"}), (Outcome{"x", true}));
}

TEST(StopTexts, OverlappingStopTextsAreAllHeldBack) {
  StopTexts stops({"abx", "bcd"});
  EXPECT_EQ(stops.add("ab"), "");
  EXPECT_EQ(stops.add("c"), "a");  // no "abx" any more, but "bc" may become "bcd"
  EXPECT_EQ(stops.add("d"), "");
  EXPECT_TRUE(stops.found());
}

TEST(StopTexts, ReturnsWholeCharacters) {
  StopTexts stops({"\u00e9t\u00e9"});  // the first byte is also the first of other accented letters
  EXPECT_EQ(stops.add("caf\u00e8"), "caf\u00e8");
  EXPECT_EQ(stops.add("\u00e9"), "");
  EXPECT_EQ(stops.add("t\u00e8"), "\u00e9t\u00e8");
  EXPECT_EQ(stream({"\u4f60\u597d"}, {"\u4f60", "\u4f60", "\u597d"}), (Outcome{"\u4f60", true}));
}

TEST(StopTexts, ResetBeginsANewText) {
  StopTexts stops({"END"});
  EXPECT_EQ(stops.add("one END"), "one ");
  stops.reset();
  EXPECT_FALSE(stops.found());
  EXPECT_EQ(stops.add("two EN"), "two ");
  stops.reset();
  EXPECT_EQ(stops.add("D three"), "D three");
}

TEST(StopTexts, RefusesStopTextsThatCannotBeMeant) {
  EXPECT_THROW(StopTexts({"ok", ""}), Error);
  EXPECT_THROW(StopTexts({"\xa9t"}), Error);
}

// What the class promises, said plainly: the first position at which some stop text is complete, and the
// longest of those.
Outcome expected_outcome(const std::vector<std::string>& stops, const std::string& text) {
  for (std::size_t end = 1; end <= text.size(); ++end) {
    std::size_t longest = 0;
    for (const std::string& stop : stops) {
      if (std::string_view(text).substr(0, end).ends_with(stop)) longest = std::max(longest, stop.size());
    }
    if (longest > 0) return {text.substr(0, end - longest), true};
  }
  return {text, false};
}

std::string random_text(SplitMix64& random, std::size_t length) {
  std::string text;
  while (text.size() < length) text += random.next() % 2 == 0 ? 'a' : 'b';
  return text;
}

TEST(StopTexts, GivesTheSameForEveryCutIntoPieces) {
  SplitMix64 random(11);
  int found = 0;
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::string> stops;
    for (std::size_t i = random.next() % 3 + 1; i > 0; --i) {
      stops.push_back(random_text(random, random.next() % 6 + 2));
    }
    const std::string text = random_text(random, random.next() % 20);
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < text.size(); at += pieces.back().size()) {
      pieces.push_back(text.substr(at, random.next() % 4 + 1));
    }
    const Outcome expected = expected_outcome(stops, text);
    ASSERT_EQ(stream(stops, pieces), expected)
        << "stops " << testing::PrintToString(stops) << " text " << text;
    found += expected.found;
  }
  EXPECT_GT(found, 500);
  EXPECT_LT(found, 2900);
}

// What is released at once never has to be taken back, and what is held back is always the start of a stop.
TEST(StopTexts, HoldsBackOnlyStartsOfStopTexts) {
  SplitMix64 random(12);
  const std::vector<std::string> stops = {"abba", "bab", "bbbba"};
  for (int round = 0; round < 500; ++round) {
    StopTexts stop_texts(stops);
    std::string fed;
    std::string released;
    while (fed.size() < 12 && !stop_texts.found()) {
      const std::string piece = random_text(random, random.next() % 3 + 1);
      fed += piece;
      released += stop_texts.add(piece);
      ASSERT_TRUE(fed.starts_with(released));
      const std::string held = fed.substr(released.size());
      ASSERT_TRUE(stop_texts.found() || held.empty() ||
                  std::any_of(stops.begin(), stops.end(),
                              [&held](const std::string& stop) { return stop.starts_with(held); }))
          << "held back: " << held;
    }
  }
}

}  // namespace
}  // namespace burin::runtime
