#include "runtime/sampling/grammar/grammar_checks.hpp"

#include "runtime/sampling/grammar/grammar_source.hpp"

namespace burin::runtime {
namespace {

using Kind = GrammarElement::Kind;

bool is_terminal(Kind kind) { return kind != Kind::end && kind != Kind::rule && kind != Kind::repeat; }

// The rule that an element stands for, once or several times.
std::uint32_t rule_of(const Grammar& grammar, const GrammarElement& element) {
  return element.kind == Kind::repeat ? grammar.repeats[element.value].rule : element.value;
}

bool may_be_empty(const Grammar& grammar, const GrammarElement& element) {
  if (is_terminal(element.kind)) return false;
  if (element.kind == Kind::repeat && grammar.repeats[element.value].least == 0) return true;
  return grammar.rules[rule_of(grammar, element)].may_be_empty;
}

// A rule may be empty once all elements of one of its alternatives may. Each alternative counts those that keep it
// from being empty, so that every element is looked at a few times only.
class EmptyRules {
 public:
  explicit EmptyRules(Grammar& grammar) : grammar_(grammar), uses_(grammar.rules.size()) {
    for (std::uint32_t rule = 0; rule < grammar.rules.size(); ++rule)
      for (const std::uint32_t first : grammar.rules[rule].alternatives) add_alternative(rule, first);
    while (!found_.empty()) spread();
  }

 private:
  struct Alternative {
    std::uint32_t rule;
    std::size_t left;  // elements that are not known to be able to be empty
  };

  void add_alternative(std::uint32_t rule, std::uint32_t first) {
    const std::size_t number = alternatives_.size();
    alternatives_.push_back({rule, 0});
    for (std::uint32_t at = first; grammar_.elements[at].kind != Kind::end; ++at) {
      const GrammarElement& element = grammar_.elements[at];
      if (element.kind == Kind::repeat && grammar_.repeats[element.value].least == 0) continue;
      ++alternatives_[number].left;
      if (!is_terminal(element.kind)) uses_[rule_of(grammar_, element)].push_back(number);
    }
    if (alternatives_[number].left == 0) note(rule);
  }
  void note(std::uint32_t rule) {
    if (grammar_.rules[rule].may_be_empty) return;
    grammar_.rules[rule].may_be_empty = true;
    found_.push_back(rule);
  }
  void spread() {
    const std::uint32_t rule = found_.back();
    found_.pop_back();
    for (const std::size_t number : uses_[rule])
      if (--alternatives_[number].left == 0) note(alternatives_[number].rule);
  }

  Grammar& grammar_;
  std::vector<Alternative> alternatives_;
  std::vector<std::vector<std::size_t>> uses_;  // per rule: alternatives that have it
  std::vector<std::uint32_t> found_;
};

// Depth first through the rules that a rule can begin with; without recursion, as chains of rules can be long.
class LeftRecursion {
 public:
  explicit LeftRecursion(const Grammar& grammar) : grammar_(grammar), states_(grammar.rules.size()) {
    for (std::uint32_t rule = 0; rule < grammar.rules.size(); ++rule)
      if (states_[rule] == State::unseen) visit_from(rule);
  }

 private:
  enum class State : std::uint8_t { unseen, open, done };
  struct Visit {
    std::uint32_t rule;
    std::vector<std::uint32_t> next;  // rules left to visit
  };

  void visit_from(std::uint32_t first) {
    open(first);
    while (!path_.empty()) {
      Visit& visit = path_.back();
      if (visit.next.empty()) {
        states_[visit.rule] = State::done;
        path_.pop_back();
        continue;
      }
      const std::uint32_t next = visit.next.back();
      visit.next.pop_back();
      if (states_[next] == State::open) {
        const GrammarRule& rule = grammar_.rules[next];
        fail_at(rule.place, "rule {} is left recursive, it can begin with itself: put something before that",
                printable(rule.name));
      }
      if (states_[next] == State::unseen) open(next);
    }
  }

  void open(std::uint32_t rule) {
    states_[rule] = State::open;
    path_.push_back({rule, {}});
    for (std::uint32_t at : grammar_.rules[rule].alternatives)
      for (;; ++at) {
        const GrammarElement& element = grammar_.elements[at];
        if (element.kind == Kind::rule || element.kind == Kind::repeat)
          path_.back().next.push_back(rule_of(grammar_, element));
        if (element.kind == Kind::end || !may_be_empty(grammar_, element)) break;
      }
  }

  const Grammar& grammar_;
  std::vector<State> states_;
  std::vector<Visit> path_;
};

// n times what may be empty is up to n times what is not.
void fit_repeats(Grammar& grammar) {
  for (GrammarRepeat& repeat : grammar.repeats) {
    if (!grammar.rules[repeat.rule].may_be_empty) continue;
    if (repeat.most != GrammarRepeat::kUnbounded && repeat.most > kMostEmptyRepetitions)
      fail_at(repeat.place, "{} repetitions of what may be empty are too many: give up to {}, or no bound",
              repeat.most, kMostEmptyRepetitions);
    repeat.least = 0;
  }
}

}  // namespace

void check_grammar(Grammar& grammar) {
  EmptyRules{grammar};
  LeftRecursion{grammar};
  fit_repeats(grammar);
}

}  // namespace burin::runtime
