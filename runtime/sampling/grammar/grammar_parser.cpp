#include <map>
#include <optional>

#include "runtime/sampling/grammar/grammar.hpp"
#include "runtime/sampling/grammar/grammar_checks.hpp"
#include "runtime/sampling/grammar/grammar_source.hpp"

namespace burin::runtime {
namespace {

using Kind = GrammarElement::Kind;
using Sequence = std::vector<GrammarElement>;

class GrammarParser {
 public:
  explicit GrammarParser(std::string_view text) : source_(text) {}

  Grammar parse() {
    source_.skip_space(true);
    while (!source_.at_end()) parse_rule();
    const auto root = numbers_.find("root");
    if (root == numbers_.end())
      fail_at(source_.place(), "there is no rule root, which texts begin with: write one");
    grammar_.root = root->second;
    for (const GrammarRule& rule : grammar_.rules)
      if (rule.alternatives.empty())
        fail_at(rule.place, "rule {} is unknown: write one, or another name", printable(rule.name));
    check_grammar(grammar_);
    return std::move(grammar_);
  }

 private:
  // Until a rule is defined, its place is that of the first use.
  std::uint32_t number_of(std::string_view name, GrammarPlace place) {
    const auto [found, is_new] = numbers_.try_emplace(std::string(name), next_rule());
    if (is_new) grammar_.rules.push_back({.name = std::string(name), .place = place});
    return found->second;
  }
  std::uint32_t next_rule() const { return static_cast<std::uint32_t>(grammar_.rules.size()); }
  std::uint32_t add_nameless() {
    grammar_.rules.push_back({.name = grammar_.rules[rule_].name, .place = source_.place()});
    return next_rule() - 1;
  }

  void parse_rule() {
    const GrammarPlace place = source_.place();
    const std::string_view name = source_.name();
    rule_ = number_of(name, place);
    if (!grammar_.rules[rule_].alternatives.empty())
      fail_at(place, "rule {} is defined a second time: join them by |", printable(name));
    grammar_.rules[rule_].place = place;
    source_.skip_space(false);
    source_.want("::=", "follow a rule's name");
    source_.skip_space(true);
    parse_alternatives(rule_, 0);
    if (!source_.at_end() && !source_.at("\n") && !source_.at("\r"))
      fail_at(source_.place(), "{} stands where the rule is to go on or its line to end", source_.shown());
    source_.skip_space(true);
  }

  void parse_alternatives(std::uint32_t rule, int depth) {
    std::vector<std::uint32_t> alternatives = {add(parse_sequence(depth))};
    while (source_.take("|")) {
      source_.skip_space(true);
      alternatives.push_back(add(parse_sequence(depth)));
    }
    grammar_.rules[rule].alternatives = std::move(alternatives);
  }

  // To the grammar, with its end.
  std::uint32_t add(const Sequence& sequence) {
    const auto first = static_cast<std::uint32_t>(grammar_.elements.size());
    grammar_.elements.insert(grammar_.elements.end(), sequence.begin(), sequence.end());
    grammar_.elements.push_back({Kind::end});
    return first;
  }

  Sequence parse_sequence(int depth) {
    Sequence sequence;
    std::optional<std::size_t> item;  // where the last one begins
    for (;;) {
      const GrammarPlace place = source_.place();
      if (const auto times = parse_times(depth)) {
        if (!item) fail_at(place, "there is nothing before it to repeat: write an item first");
        repeat(sequence, *item, *times, place);
      } else {
        const std::size_t begin = sequence.size();
        if (!parse_item(sequence, depth)) return sequence;
        item = begin;
      }
      source_.skip_space(depth > 0);
    }
  }

  struct Times {
    std::uint32_t least;
    std::uint32_t most;
  };
  std::optional<Times> parse_times(int depth) {
    constexpr std::uint32_t kUnbounded = GrammarRepeat::kUnbounded;
    if (source_.take("*")) return Times{0, kUnbounded};
    if (source_.take("+")) return Times{1, kUnbounded};
    if (source_.take("?")) return Times{0, 1};
    const GrammarPlace place = source_.place();
    if (!source_.take("{")) return std::nullopt;
    const auto number = [&] {
      source_.skip_space(depth > 0);
      return source_.number(kMostRepetitions, "repetitions");
    };
    Times times = {number(), 0};
    times.most = times.least;
    source_.skip_space(depth > 0);
    if (source_.take(",")) {
      source_.skip_space(depth > 0);
      times.most = source_.at("}") ? kUnbounded : number();
      source_.skip_space(depth > 0);
    }
    source_.want("}", "end the number of repetitions");
    if (times.most < times.least)
      fail_at(place, "at most {} is less than at least {}", times.most, times.least);
    return times;
  }

  // What stands from `item` on becomes a rule that is repeated.
  void repeat(Sequence& sequence, std::size_t item, Times times, GrammarPlace place) {
    const auto begin = sequence.begin() + static_cast<std::ptrdiff_t>(item);
    const Sequence body(begin, sequence.end());
    sequence.erase(begin, sequence.end());
    std::uint32_t rule = 0;
    if (body.size() == 1 && body[0].kind == Kind::rule) {
      rule = body[0].value;
    } else {
      rule = add_nameless();
      grammar_.rules[rule].alternatives = {add(body)};
    }
    const auto number = static_cast<std::uint32_t>(grammar_.repeats.size());
    grammar_.repeats.push_back({rule, times.least, times.most, place});
    sequence.push_back({Kind::repeat, number});
  }

  // False where none stands here.
  bool parse_item(Sequence& sequence, int depth) {
    const GrammarPlace place = source_.place();
    if (source_.take("\"")) {
      while (!source_.take("\"")) sequence.push_back({Kind::character, source_.character()});
    } else if (source_.take("[")) {
      sequence.push_back(add_set(parse_set(place)));
    } else if (source_.take(".")) {
      sequence.push_back(add_set(CodePointSet({{0, kLastCodePoint}})));
    } else if (source_.at("<") || source_.at("!")) {
      sequence.push_back(parse_token());
    } else if (source_.take("(")) {
      sequence.push_back({Kind::rule, parse_group(place, depth + 1)});
    } else if (source_.at_name()) {
      sequence.push_back({Kind::rule, number_of(source_.name(), place)});
    } else {
      return false;
    }
    return true;
  }

  GrammarElement add_set(CodePointSet set) {
    grammar_.sets.push_back(std::move(set));
    return {Kind::set, static_cast<std::uint32_t>(grammar_.sets.size() - 1)};
  }

  CodePointSet parse_set(GrammarPlace place) {
    const bool negated = source_.take("^");
    std::vector<CodePointRange> ranges;
    while (!source_.take("]")) {
      const std::uint32_t first = source_.character();
      std::uint32_t last = first;
      if (source_.at("-") && !source_.at("-]")) {
        source_.take("-");
        last = source_.character();
      }
      if (last < first) fail_at(place, "a range of the set ends before it begins: swap its ends");
      ranges.push_back({first, last});
    }
    if (ranges.empty()) fail_at(place, "the set is empty: name a character");
    return CodePointSet(std::move(ranges), negated);
  }

  std::uint32_t parse_group(GrammarPlace place, int depth) {
    if (depth > kDeepestGroup)
      fail_at(place, "groups are more than {} deep: make rules of them", kDeepestGroup);
    const std::uint32_t rule = add_nameless();
    source_.skip_space(true);
    parse_alternatives(rule, depth);
    source_.want(")", "end the group");
    return rule;
  }

  GrammarElement parse_token() {
    const Kind kind = source_.take("!") ? Kind::not_token : Kind::token;
    GrammarToken token;
    token.place = source_.place();
    source_.want("<", "begin a token");
    if (source_.take("[")) {
      token.id = static_cast<TokenId>(source_.number(std::numeric_limits<TokenId>::max(), "token ids"));
      source_.want("]", "end a token's id");
      source_.want(">", "end a token");
    } else {
      token.text = "<" + std::string(source_.until('>')) + ">";
    }
    grammar_.tokens.push_back(std::move(token));
    return {kind, static_cast<std::uint32_t>(grammar_.tokens.size() - 1)};
  }

  GrammarSource source_;
  Grammar grammar_;
  std::map<std::string, std::uint32_t, std::less<>> numbers_;  // of the rules with names
  std::uint32_t rule_ = 0;                                     // which is parsed
};

}  // namespace

Grammar parse_grammar(std::string_view text) {
  if (text.size() > kMostGrammarBytes)
    fail("grammar: {} bytes are too many: give up to {}", text.size(), kMostGrammarBytes);
  return GrammarParser(text).parse();
}

}  // namespace burin::runtime
