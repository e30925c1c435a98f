// Grammars: what they parse to is seen by the texts that follow them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "jit/error.hpp"
#include "runtime/sampling/random.hpp"
#include "tests/sampling/byte_matcher.hpp"
#include "tests/support/error_text.hpp"

namespace burin::runtime {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using tests::kEnd;
using tests::matcher;
using tests::tokenizer;
using tests::verdict;

void expect(const std::string& grammar, const std::vector<std::pair<std::string, std::string>>& verdicts) {
  GrammarMatcher follows = matcher(grammar);
  for (const auto& [text, expected] : verdicts)
    EXPECT_EQ(verdict(follows, text), expected) << grammar << "\n" << text;
}

std::string refusal(const std::string& grammar) {
  try {
    matcher(grammar);
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

TEST(Grammar, LiteralsAndSequences) {
  expect(R"(root ::= "ab" "c")",
         {{"abc", "whole"}, {"ab", "begun"}, {"", "begun"}, {"abd", "2"}, {"abcc", "3"}});
  expect("root ::= \"\"", {{"", "whole"}, {"a", "0"}});
  expect("root ::=", {{"", "whole"}, {"a", "0"}});
  expect(R"(root ::= "\x41\u00e9\U0001F600\n\t\r\\\"\[\]")", {{"Aé😀\n\t\r\\\"[]", "whole"}});
}

TEST(Grammar, AlternativesAndGroups) {
  expect(R"(root ::= "a" | "b" ("c" | "d") | )",
         {{"a", "whole"}, {"b", "begun"}, {"bc", "whole"}, {"bd", "whole"}, {"", "whole"}, {"c", "0"}});
  expect("root ::= \"a\" |\n  \"b\"\n", {{"a", "whole"}, {"b", "whole"}});
  expect("root ::= (\n \"a\" # one\n \"b\"\n)\n\n# end", {{"ab", "whole"}});
}

TEST(Grammar, Sets) {
  expect("root ::= [a-cx]", {{"a", "whole"}, {"c", "whole"}, {"x", "whole"}, {"d", "0"}});
  expect("root ::= [^a-c\\n]", {{"a", "0"}, {"\n", "0"}, {"d", "whole"}, {"é", "whole"}, {"😀", "whole"}});
  expect("root ::= [-a]", {{"-", "whole"}, {"a", "whole"}, {"b", "0"}});
  expect("root ::= [a-]", {{"-", "whole"}, {"a", "whole"}, {"b", "0"}});
  expect("root ::= [ぁ-ゟ]",
         {{"あ", "whole"}, {"ア", "2"}, {"\xe3", "begun"}, {"\xe3\x81", "begun"}, {"a", "0"}});
  expect("root ::= [\\]\\[]", {{"]", "whole"}, {"[", "whole"}});
  expect("root ::= .", {{"a", "whole"}, {"\n", "whole"}, {"é", "whole"}});
}

TEST(Grammar, Repeats) {
  expect(R"(root ::= "a"*)", {{"", "whole"}, {"aaaa", "whole"}, {"b", "0"}});
  expect(R"(root ::= "ab"+)", {{"", "begun"}, {"abab", "whole"}, {"aba", "begun"}});
  expect(R"(root ::= "a"? "b")", {{"b", "whole"}, {"ab", "whole"}, {"aab", "1"}});
  expect(R"(root ::= "a"{2})", {{"a", "begun"}, {"aa", "whole"}, {"aaa", "2"}});
  expect(R"(root ::= "a"{2,})", {{"a", "begun"}, {"aa", "whole"}, {"aaaaaaa", "whole"}});
  expect(R"(root ::= "a"{1,3} "b")", {{"b", "0"}, {"ab", "whole"}, {"aaab", "whole"}, {"aaaa", "3"}});
  expect(R"(root ::= "a"{0,2})", {{"", "whole"}, {"aa", "whole"}, {"aaa", "2"}});
  expect(R"(root ::= "a"{0})", {{"", "whole"}, {"a", "0"}});
  expect(R"(root ::= ("a"{2} ","){2})", {{"aa,aa,", "whole"}, {"aa,a,", "4"}});
  expect(R"(root ::= ("a"* "b"?)*)", {{"", "whole"}, {"aabbab", "whole"}});
  expect(R"(root ::= ("a"?){3} "b")", {{"b", "whole"}, {"aab", "whole"}, {"aaab", "whole"}, {"aaaa", "3"}});
  expect("root ::= [a-z]{ 2 , 3 }", {{"ab", "whole"}, {"abcd", "3"}});
  const std::string most(65'535, 'a');
  expect(R"(root ::= "a"{65535})", {{most, "whole"}, {most + "a", "65535"}});
}

TEST(Grammar, Recursion) {
  expect("root ::= list\nlist ::= \"[\" (list (\",\" list)*)? \"]\"", {{"[]", "whole"},
                                                                       {"[[],[[]]]", "whole"},
                                                                       {"[[]", "begun"},
                                                                       {"[],", "2"},
                                                                       {std::string(3000, '['), "begun"}});
  // A rule that ends with itself does not make stacks grow.
  expect("root ::= \"a\" root | \"b\"", {{std::string(100'000, 'a') + "b", "whole"}});
  // Ambiguity does not multiply.
  expect("root ::= e\ne ::= t (\"+\" t)*\nt ::= [0-9]+ | [0-9] [0-9]* | \"(\" e \")\"",
         {{"12345678901234567890+(1+2)", "whole"}, {"1+(2", "begun"}});
  expect("root ::= (\"a\" | \"a\" | \"a\"? \"a\")*", {{std::string(500, 'a'), "whole"}});
}

TEST(Grammar, ARealOne) {
  const std::string json = R"(
root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws
object ::= "{" ws ( string ":" ws value ("," ws string ":" ws value)* )? "}" ws
array  ::= "[" ws ( value ("," ws value)* )? "]" ws
string ::= "\"" ( [^"\\\x7F\x00-\x1F] | "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}) )* "\"" ws
number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws
ws ::= | " " | "\n" [ \t]{0,20})";
  expect(json, {{R"({"a": [1, 2.5e3, {"b": "\u00e9é\n"}], "c": null})", "whole"},
                {R"({"a": [1, 2.5e3, {"b": "\u00e9é)", "begun"},
                {R"({"a" 1})", "5"},
                {"[1]", "0"},
                {"{\"a\": \"\n\"}", "7"}});
}

TEST(Grammar, TokensByName) {
  GrammarMatcher follows = matcher("root ::= <think> !<[257]>* <[257]> \"a\"");
  EXPECT_TRUE(follows.allows(257));
  EXPECT_FALSE(follows.allows('<'));
  EXPECT_FALSE(follows.accept('a'));
  ASSERT_TRUE(follows.accept(257));
  for (const TokenId any : {TokenId{'x'}, TokenId{258}, TokenId{0xe3}})
    ASSERT_TRUE(follows.accept(any)) << any;
  std::vector<std::uint8_t> allowed(tokenizer().vocabulary_size());
  follows.mark_allowed(allowed);
  EXPECT_EQ(allowed, [&] {
    std::vector<std::uint8_t> all(allowed.size(), 1);
    return all;
  }());
  ASSERT_TRUE(follows.accept(257));
  EXPECT_FALSE(follows.allows(kEnd));
  ASSERT_TRUE(follows.accept('a'));
  EXPECT_TRUE(follows.must_end());
  EXPECT_TRUE(follows.allows(kEnd));
}

TEST(Grammar, LongTokensAreTestedByTheirBytes) {
  GrammarMatcher follows = matcher(R"(root ::= "ab" ("," | "c,"))");
  const auto id = [](const std::string& text) { return tokenizer().encode(text).at(0); };
  EXPECT_TRUE(follows.allows(id("ab")));
  EXPECT_TRUE(follows.allows(id("abc")));
  EXPECT_FALSE(follows.allows(id("b,")));
  EXPECT_FALSE(follows.allows(kEnd));
  ASSERT_TRUE(follows.accept('a'));
  EXPECT_TRUE(follows.allows(id("b,")));
  ASSERT_TRUE(follows.accept(id("b,")));
  EXPECT_TRUE(follows.must_end());
  EXPECT_TRUE(follows.accept(kEnd));
  EXPECT_TRUE(follows.must_end());
}

TEST(Grammar, TokensMayEndInsideOfACharacter) {
  GrammarMatcher follows = matcher("root ::= [ぁ-ゟ]+");
  const auto id = [](const std::string& text) { return tokenizer().encode(text).at(0); };
  EXPECT_TRUE(follows.allows(id("\xe3\x81")));
  ASSERT_TRUE(follows.accept(id("\xe3\x81")));
  EXPECT_FALSE(follows.may_end());
  EXPECT_FALSE(follows.allows(kEnd));
  EXPECT_TRUE(follows.allows(id("\x82\xe3")));
  EXPECT_FALSE(follows.allows('a'));
  EXPECT_FALSE(follows.allows(0x40));
  ASSERT_TRUE(follows.accept(id("\x82\xe3")));
  EXPECT_FALSE(follows.allows(0x83));  // katakana
  ASSERT_TRUE(follows.accept(0x82));
  ASSERT_TRUE(follows.accept(0x9f));
  EXPECT_TRUE(follows.may_end());
}

TEST(Grammar, BytesThatAreNoUtf8NeverFit) {
  GrammarMatcher follows = matcher("root ::= .*");
  for (const char* bytes : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80",
                            "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xe3x"})
    EXPECT_THAT(verdict(follows, bytes), testing::Not(testing::AnyOf("whole", "begun"))) << bytes;
  EXPECT_EQ(verdict(follows, "\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80"), "whole");
}

// Grammars of a few rules that random numbers write; the matcher against one that tries every way.
class Writer {
 public:
  explicit Writer(std::uint64_t seed) : random_(seed) {}
  std::string grammar() {
    return "root ::= " + alternatives(3) + "\nx ::= \"b\" " + alternatives(1) + "\ny ::= \"a\" x? \"c\"\n";
  }
  std::uint64_t below(std::uint64_t count) { return random_.next() % count; }

 private:
  std::string alternatives(int depth) {
    std::string text = sequence(depth);
    for (std::uint64_t i = below(3); i > 0; --i) text += " | " + sequence(depth);
    return text;
  }
  std::string sequence(int depth) {
    std::string text;
    for (std::uint64_t i = below(4); i > 0; --i) text += item(depth) + times() + " ";
    return text.empty() ? "\"\"" : text;  // a line must not end there
  }
  std::string item(int depth) {
    static const char* const items[] = {"\"a\"", "\"b\"", "\"ab\"", "[ab]", "[^a]", "x", "y", "\"é\""};
    if (depth > 0 && below(3) == 0) return "(" + alternatives(depth - 1) + ")";
    return items[below(8)];
  }
  std::string times() {
    static const char* const times[] = {"", "", "", "*", "+", "?", "{2}", "{1,2}", "{2,}"};
    return times[below(9)];
  }
  SplitMix64 random_;
};

// Ends of all texts that match from `at` on, straight from the parsed rules.
class Reference {
 public:
  Reference(const Grammar& grammar, const std::u32string& text) : grammar_(grammar), text_(text) {}
  bool matches() {
    bool whole = false;
    rule(grammar_.root, 0, [&](std::size_t end) { whole = whole || end == text_.size(); });
    return whole;
  }

 private:
  using Then = std::function<void(std::size_t)>;
  void rule(std::uint32_t number, std::size_t at, const Then& then) {
    for (const std::uint32_t first : grammar_.rules[number].alternatives) sequence(first, at, then);
  }
  void sequence(std::uint32_t element, std::size_t at, const Then& then) {
    if (++steps_ > 200'000) throw std::length_error("too many ways");
    const auto [kind, value] = grammar_.elements[element];
    const Then next = [&, element](std::size_t end) { sequence(element + 1, end, then); };
    using Kind = GrammarElement::Kind;
    if (kind == Kind::end) return then(at);
    if (kind == Kind::rule) return rule(value, at, next);
    if (kind == Kind::repeat) return repeat(grammar_.repeats[value], 0, at, next);
    if (at == text_.size()) return;
    const bool takes = kind == Kind::character
                           ? text_[at] == value
                           : grammar_.sets[value].has(static_cast<std::uint32_t>(text_[at]));
    if (takes) next(at + 1);
  }
  void repeat(const GrammarRepeat& times, std::uint32_t done, std::size_t at, const Then& then) {
    if (done >= times.least) then(at);
    if (done == times.most) return;
    rule(times.rule, at, [&, done](std::size_t end) {
      if (end > at) repeat(times, done + 1, end, then);
    });
  }
  const Grammar& grammar_;
  const std::u32string& text_;
  int steps_ = 0;
};

TEST(Grammar, IsWhatTryingEveryWaySays) {
  int compared = 0, whole = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    Writer writer(seed);
    const std::string text = writer.grammar();
    Grammar grammar;
    try {
      grammar = parse_grammar(text);
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("left recursive")) << text;
      continue;
    }
    GrammarMatcher follows = matcher(text);
    for (int i = 0; i < 30; ++i) {
      std::u32string characters;
      std::string bytes;
      for (std::uint64_t length = writer.below(8); length > 0; --length) {
        static const std::pair<char32_t, const char*> all[] = {
            {U'a', "a"}, {U'b', "b"}, {U'c', "c"}, {U'é', "é"}};
        const auto& [character, utf8] = all[writer.below(4)];
        characters += character;
        bytes += utf8;
      }
      try {
        const bool expected = Reference(grammar, characters).matches();
        EXPECT_EQ(verdict(follows, bytes) == "whole", expected) << text << bytes;
        ++compared;
        whole += expected;
      } catch (const std::length_error&) {
      }
    }
  }
  EXPECT_GT(compared, 5000);
  EXPECT_GT(whole, 500);
}

// All tokens at once are what one by one gives, wherever a text is.
TEST(Grammar, MasksAgreeWithSingleTokens) {
  SplitMix64 random(4);
  std::vector<std::uint8_t> allowed(tokenizer().vocabulary_size());
  for (const char* grammar :
       {"root ::= list\nlist ::= \"[\" (list (\",\" list)*)? \"]\" | [0-9]{1,4}", "root ::= .{0,9} \"ab\"",
        "root ::= ([ぁ-ゟ] | \"é\" | \"abc\")+", "root ::= (<think> | \"a\"+ <think>)* \"b\""}) {
    GrammarMatcher follows = matcher(grammar);
    for (int step = 0; step < 60; ++step) {
      follows.mark_allowed(allowed);
      std::vector<TokenId> next;
      for (TokenId token = 0; token < static_cast<TokenId>(allowed.size()); ++token) {
        ASSERT_EQ(follows.allows(token), allowed[static_cast<std::size_t>(token)] == 1) << grammar << token;
        if (allowed[static_cast<std::size_t>(token)] == 1 && token != kEnd) next.push_back(token);
      }
      if (next.empty()) {
        EXPECT_TRUE(follows.must_end());
        follows.restart();
        continue;
      }
      ASSERT_TRUE(follows.accept(next[random.next() % next.size()]));
    }
  }
}

TEST(Grammar, StatesGoOnInAnotherMatcher) {
  const std::string grammar = "root ::= list\nlist ::= \"[\" (list (\",\" list){2,})? \"]\" | \"é\"{1,4}";
  GrammarMatcher follows = matcher(grammar);
  SplitMix64 random(9);
  std::vector<std::uint8_t> allowed(tokenizer().vocabulary_size()), same(allowed.size());
  for (int step = 0; step < 200; ++step) {
    GrammarMatcher other = matcher(grammar);
    ASSERT_TRUE(other.restore(follows.state()));
    follows.mark_allowed(allowed);
    other.mark_allowed(same);
    ASSERT_EQ(same, allowed);
    std::vector<TokenId> next;
    for (TokenId token = 0; token < kEnd; ++token)
      if (allowed[static_cast<std::size_t>(token)] == 1) next.push_back(token);
    if (next.empty())
      follows.restart();
    else
      ASSERT_TRUE(follows.accept(next[random.next() % next.size()]));
  }
}

TEST(Grammar, StatesThatCannotBeAreRefused) {
  GrammarMatcher follows = matcher("root ::= \"[\" root{2,3} \"]\" | \"é\"");
  for (const char c : std::string("[[\xc3")) ASSERT_TRUE(follows.accept(static_cast<unsigned char>(c)));
  const std::vector<std::uint32_t> good = follows.state();
  ASSERT_TRUE(follows.restore(good));
  SplitMix64 random(2);
  int refused = 0;
  std::vector<std::uint8_t> allowed(tokenizer().vocabulary_size());
  for (int i = 0; i < 3000; ++i) {
    std::vector<std::uint32_t> bad = good;
    const std::uint32_t values[] = {0, 1, 2, 5, 9, 0x7fffffff, 0xffffffff};
    bad[random.next() % bad.size()] = values[random.next() % 7];
    if (random.next() % 4 == 0) bad.resize(random.next() % bad.size());
    if (!follows.restore(bad)) ++refused;
    follows.mark_allowed(allowed);  // whatever it is, it can be used
    for (TokenId token = 0; token < kEnd; ++token)
      if (allowed[static_cast<std::size_t>(token)] == 1) follows.accept(token);
  }
  EXPECT_GT(refused, 1000);
}

TEST(Grammar, WhatIsNoGrammarIsRefusedWithItsPlace) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "no rule root"},
      {"a ::= \"b\"", "no rule root"},
      {"root ::= x", "line 1, column 10: rule x is unknown"},
      {"root ::= y\ny ::= \"é\" zz", "line 2, column 11: rule zz is unknown"},
      {"root \"a\"", "line 1, column 6: '\"a\"' stands where ::= is to follow"},
      {"root ::= \"a", "column 12: the text ends inside"},
      {"root ::= [a", "the text ends inside"},
      {"root ::= []", "column 10: the set is empty"},
      {"root ::= [z-a]", "ends before it begins"},
      {"root ::= (\"a\"", "the end stands where ) is to"},
      {"root ::= \"a\")", "')' stands where the rule is to go on"},
      {"root ::= *", "column 10: there is nothing before it to repeat"},
      {"root ::= \"a\"{", "a number of repetitions"},
      {"root ::= \"a\"{3,2}", "at most 2 is less than at least 3"},
      {"root ::= \"a\"{65536}", "65536 repetitions are too many: give up to 65535"},
      {"root ::= \"a\"{99999999999999999999}", "too many"},
      {"root ::= (\"a\"?){65}", "column 16: 65 repetitions of what may be empty"},
      {"root ::= \"\\q\"", "column 11: \\q is no escape"},
      {"root ::= \"\\x4\"", "hexadecimal"},
      {"root ::= \"\\UFFFFFFFF\"", "hexadecimal"},
      {"root ::= \"\xff\"", "not UTF-8"},
      {"root ::= \"a\"\nroot ::= \"b\"", "line 2, column 1: rule root is defined a second time"},
      {"root ::= root \"a\"", "line 1, column 1: rule root is left recursive"},
      {"root ::= a\na ::= \"x\"? b\nb ::= a \"c\"", "is left recursive"},
      {"root ::= a* root", "rule a is unknown"},
      {"root ::= \"a\"* root", "rule root is left recursive"},
      {"root ::= <[9999]>", "column 10: token 9999 is outside the vocabulary"},
      {"root ::= <no>", "<no> is 4 tokens"},
      {"root ::= <think", "the text ends before >"},
      {"root ::= !a", "'a' stands where < is to begin a token"},
      {"root ::= " + std::string(101, '(') + "\"a\"", "groups are more than 100 deep"},
      {std::string((1 << 20) + 1, ' '), "1048577 bytes are too many"}};
  for (const auto& [grammar, says] : cases)
    EXPECT_THAT(refusal(grammar), AllOf(HasSubstr("grammar: "), HasSubstr(says)));
}

TEST(Grammar, HostileOnesHaveLimits) {
  std::string chain = "root ::= r0\n";
  for (int i = 0; i < 20'000; ++i) chain += "r" + std::to_string(i) + " ::= r" + std::to_string(i + 1) + "\n";
  EXPECT_EQ(refusal(chain + "r20000 ::= \"a\""), "none");
  EXPECT_THAT(refusal(chain + "r20000 ::= root"), HasSubstr("left recursive"));
  std::string wide = "root ::= \"0\"";
  for (int i = 1; i < 5000; ++i) wide += " | \"" + std::to_string(i) + "\"";
  EXPECT_THAT(refusal(wide), HasSubstr("more than 1024 ways"));
  // 40 places lead to 40 others each.
  std::string spread = "root ::= ";
  for (int i = 0; i < 40; ++i) {
    spread += i == 0 ? "\"x\" (" : " | \"x\" (";
    for (int j = 0; j < 40; ++j) spread += j == 0 ? "\"y\"" : " | \"y\"";
    spread += ")";
  }
  GrammarMatcher places = matcher(spread);
  EXPECT_THAT(tests::error_of([&] { places.accept('x'); }), HasSubstr("more than 1024 ways"));
  EXPECT_FALSE(places.allows('y'));
  // Counts multiply with the text, until the limit.
  GrammarMatcher counts = matcher("root ::= ((\"a\"{1,60000} \"a\"{1,60000}){1,60000}){1,60000}");
  EXPECT_THROW(
      {
        for (int i = 0; i < 100'000; ++i) counts.accept('a');
      },
      Error);
}

}  // namespace
}  // namespace burin::runtime
