#include "runtime/sampling/grammar/stacks.hpp"

#include <algorithm>

#include "jit/error.hpp"

namespace burin::runtime {
namespace {

using Kind = GrammarElement::Kind;

constexpr std::size_t kFirstFrames = std::size_t{1} << 14;
constexpr std::size_t kManyFrames = kFirstFrames / 2;

std::size_t hash_of(std::uint32_t element, std::uint32_t count, std::uint32_t below) {
  std::uint64_t mixed = (std::uint64_t{below} << 32 | element) * 0x9e3779b97f4a7c15u;
  mixed = (mixed ^ count) * 0xbf58476d1ce4e5b9u;
  return static_cast<std::size_t>(mixed >> 32);
}

void check_stacks(std::size_t count) {
  if (count > kMostGrammarStacks)
    fail("grammar: a text can go on in more than {} ways: use one with fewer alternatives that begin alike",
         kMostGrammarStacks);
}

bool is_terminal(Kind kind) { return kind != Kind::end && kind != Kind::rule && kind != Kind::repeat; }

}  // namespace

GrammarStacks::GrammarStacks(std::shared_ptr<const Grammar> grammar)
    : grammar_(std::move(grammar)), tidy_above_(kManyFrames) {
  reserve(kFirstFrames);
  notes_.reserve(kFirstFrames);
  to_expand_.reserve(kFirstFrames);
  found_.reserve(kMostGrammarStacks);
}

// Room for so many frames, and twice as many buckets.
void GrammarStacks::reserve(std::size_t frames) {
  frames_.reserve(frames);
  noted_.resize(frames);
  expanded_.resize(frames);
  in_set_.resize(frames);
  buckets_.resize(2 * frames);
  rebuild_buckets();
}

void GrammarStacks::rebuild_buckets() {
  std::fill(buckets_.begin(), buckets_.end(), kNothing);
  for (Stack stack = 0; stack < frames_.size(); ++stack) link(stack);
}

void GrammarStacks::link(Stack stack) {
  Frame& frame = frames_[stack];
  std::uint32_t& bucket = buckets_[hash_of(frame.element, frame.count, frame.below) % buckets_.size()];
  frame.next = bucket;
  bucket = stack;
}

GrammarStacks::Stack GrammarStacks::stack_of(std::uint32_t element, std::uint32_t count, Stack below) {
  for (Stack stack = buckets_[hash_of(element, count, below) % buckets_.size()]; stack != kNothing;
       stack = frames_[stack].next) {
    const Frame& frame = frames_[stack];
    if (frame.element == element && frame.count == count && frame.below == below) return stack;
  }
  if (frames_.size() == kMostGrammarFrames)
    fail(
        "grammar: its stacks have more than {} rules together: use one with less nesting and fewer "
        "alternatives that begin alike",
        kMostGrammarFrames);
  if (frames_.size() == noted_.size()) reserve(2 * frames_.size());
  const auto stack = static_cast<Stack>(frames_.size());
  frames_.push_back({element, count, below, kNothing});
  noted_[stack] = {};
  expanded_[stack] = 0;
  in_set_[stack] = 0;
  link(stack);
  return stack;
}

// The last element of a rule leaves nothing: stacks do not grow by rules that end with themselves.
GrammarStacks::Stack GrammarStacks::behind(const Frame& frame) {
  const std::uint32_t next = frame.element + 1;
  return grammar_->elements[next].kind == Kind::end ? frame.below : stack_of(next, 0, frame.below);
}

bool GrammarStacks::takes(Stack head, std::uint32_t code_point) const {
  return takes_any(head, {code_point, code_point});
}

bool GrammarStacks::takes_any(Stack head, CodePointRange range) const {
  const GrammarElement& element = top(head);
  if (element.kind == Kind::character) return range.first <= element.value && element.value <= range.last;
  return element.kind == Kind::set && grammar_->sets[element.value].meets(range);
}

void GrammarStacks::expand_rule(std::uint32_t rule, Stack below) {
  for (const std::uint32_t first : grammar_->rules[rule].alternatives)
    to_expand_.push_back(grammar_->elements[first].kind == Kind::end ? below : stack_of(first, 0, below));
}

// Turns that are not counted one by one, as there is no bound, are counted up to the least number.
void GrammarStacks::expand_repeat(const Frame& frame) {
  const GrammarRepeat& repeat = grammar_->repeats[grammar_->elements[frame.element].value];
  const bool unbounded = repeat.most == GrammarRepeat::kUnbounded;
  if (frame.count >= repeat.least) to_expand_.push_back(behind(frame));
  if (!unbounded && frame.count >= repeat.most) return;
  const std::uint32_t turns = unbounded ? std::min(frame.count + 1, repeat.least) : frame.count + 1;
  const bool is_last = !unbounded && turns == repeat.most;
  expand_rule(repeat.rule, is_last ? behind(frame) : stack_of(frame.element, turns, frame.below));
}

// All heads that the stacks of to_expand_ lead to without a character.
bool GrammarStacks::expand(std::vector<Stack>& heads) {
  bool may_end = false;
  ++expansion_;
  while (!to_expand_.empty()) {
    const Stack stack = to_expand_.back();
    to_expand_.pop_back();
    if (stack == kNothing) {
      may_end = true;
      continue;
    }
    if (expanded_[stack] == expansion_) continue;
    expanded_[stack] = expansion_;
    const Frame frame = frames_[stack];
    const GrammarElement& element = grammar_->elements[frame.element];
    if (is_terminal(element.kind)) {
      heads.push_back(stack);
      check_stacks(heads.size());
    } else if (element.kind == Kind::rule) {
      expand_rule(element.value, behind(frame));
    } else {
      expand_repeat(frame);
    }
  }
  return may_end;
}

bool GrammarStacks::add_start(std::vector<Stack>& heads) {
  to_expand_.clear();
  found_.clear();
  expand_rule(grammar_->root, kNothing);
  const bool may_end = expand(found_);
  for (const Stack head : found_) add_to_set(head, heads);
  return may_end;
}

void GrammarStacks::add_to_set(Stack head, std::vector<Stack>& heads) {
  if (in_set_[head] == set_) return;
  in_set_[head] = set_;
  check_stacks(++set_size_);
  heads.push_back(head);
}

const GrammarStacks::Noted& GrammarStacks::noted(Stack head) {
  if (noted_[head].known) return noted_[head];
  if (notes_.size() > kMostNotedStacks) {
    notes_.clear();
    std::fill(noted_.begin(), noted_.end(), Noted());
  }
  to_expand_.clear();
  found_.clear();
  to_expand_.push_back(behind(frames_[head]));
  const bool may_end = expand(found_);
  noted_[head] = {static_cast<std::uint32_t>(notes_.size()), static_cast<std::uint32_t>(found_.size()), true,
                  may_end};
  notes_.insert(notes_.end(), found_.begin(), found_.end());
  return noted_[head];
}

bool GrammarStacks::add_behind(Stack head, std::vector<Stack>& heads) {
  const Noted note = noted(head);
  for (std::uint32_t i = note.first; i < note.first + note.count; ++i) add_to_set(notes_[i], heads);
  return note.may_end;
}

void GrammarStacks::tidy(std::span<Stack> heads) {
  if (frames_.size() > tidy_above_) forget_all_but(heads);
}

// A stack's number is above that of the one below it, so that one pass finds and one moves what stays.
void GrammarStacks::forget_all_but(std::span<Stack> heads) {
  constexpr std::uint64_t kGone = std::numeric_limits<std::uint64_t>::max();
  std::vector<std::uint64_t>& moved_to = expanded_;
  std::fill(moved_to.begin(), moved_to.end(), kGone);
  for (const Stack head : heads) moved_to[head] = 0;
  for (std::size_t stack = frames_.size(); stack-- > 0;)
    if (moved_to[stack] != kGone && frames_[stack].below != kNothing) moved_to[frames_[stack].below] = 0;
  std::size_t count = 0;
  for (std::size_t stack = 0; stack < frames_.size(); ++stack) {
    if (moved_to[stack] == kGone) continue;
    moved_to[stack] = count;
    Frame frame = frames_[stack];
    if (frame.below != kNothing) frame.below = static_cast<Stack>(moved_to[frame.below]);
    frames_[count++] = frame;
  }
  for (Stack& head : heads) head = static_cast<Stack>(moved_to[head]);
  frames_.resize(count);
  std::fill(expanded_.begin(), expanded_.end(), 0);
  std::fill(in_set_.begin(), in_set_.end(), 0);
  std::fill(noted_.begin(), noted_.end(), Noted());
  notes_.clear();
  expansion_ = 0;
  set_ = 0;
  tidy_above_ = std::max(kManyFrames, 2 * count);
  rebuild_buckets();
}

std::vector<std::uint32_t> GrammarStacks::frames() const {
  std::vector<std::uint32_t> numbers;
  for (const Frame& frame : frames_) numbers.insert(numbers.end(), {frame.element, frame.count, frame.below});
  return numbers;
}

bool GrammarStacks::restore(std::span<const std::uint32_t> frames) {
  forget_all_but({});
  if (frames.size() % 3 != 0) return false;
  for (std::size_t i = 0; i < frames.size(); i += 3) {
    const std::uint32_t element = frames[i];
    const std::uint32_t count = frames[i + 1];
    const Stack below = frames[i + 2];
    if (element >= grammar_->elements.size() || (below != kNothing && below >= i / 3)) return false;
    const auto [kind, value] = grammar_->elements[element];
    if (kind == Kind::end || (kind != Kind::repeat && count > 0)) return false;
    if (kind == Kind::repeat) {
      const GrammarRepeat& repeat = grammar_->repeats[value];
      if (count > (repeat.most == GrammarRepeat::kUnbounded ? repeat.least : repeat.most)) return false;
    }
    if (stack_of(element, count, below) != i / 3) return false;  // a stack twice
  }
  return true;
}

bool GrammarStacks::is_head(Stack stack) const {
  return stack < frames_.size() && is_terminal(top(stack).kind);
}

}  // namespace burin::runtime
