// Where a text can be in a grammar: sets of stacks of what is to come.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "runtime/sampling/grammar/grammar.hpp"

namespace burin::runtime {

inline constexpr std::size_t kMostGrammarStacks = 1024;                  // of one place in a text
inline constexpr std::size_t kMostGrammarFrames = std::size_t{1} << 18;  // of all stacks
inline constexpr std::size_t kMostNotedStacks = std::size_t{1} << 21;

// A stack is its top frame: an element that is to come next, and the stack of what comes behind its rule. Equal stacks
// are one and the same, so that they are compared by number and share what lies below:
//
//     root ::= "[" item* "]"          behind "[":   'x'  in item ─┐
//     item ::= "x" ","                              ']'  in root  └─> repeat in root
//
// A place in the text is a set of stacks whose tops are terminals ("heads"), and whether the text may end there. A
// repeat counts in its frame, so its size costs nothing. What a head leads to does not depend on the
// character, and is worked out once.
//
// Allocates nothing as long as no grammar needs more than the frames it begins with. Not thread-safe. All throw
// burin::Error where a limit would be exceeded.
class GrammarStacks {
 public:
  using Stack = std::uint32_t;
  static constexpr Stack kNothing = std::numeric_limits<Stack>::max();  // no more is to come

  explicit GrammarStacks(std::shared_ptr<const Grammar> grammar);

  // Each appends to `heads`, no stack twice, and returns whether the text may end there. begin_set() comes before the
  // additions that make up one set.
  void begin_set() {
    ++set_;
    set_size_ = 0;
  }
  bool add_start(std::vector<Stack>& heads);
  bool add_behind(Stack head, std::vector<Stack>& heads);

  const GrammarElement& top(Stack head) const { return grammar_->elements[frames_[head].element]; }
  bool takes(Stack head, std::uint32_t code_point) const;
  bool takes_any(Stack head, CodePointRange range) const;

  // Forgets all stacks but those of these heads, whose numbers it changes, where there are many.
  void tidy(std::span<Stack> heads);
  void forget_all_but(std::span<Stack> heads);

  // Frames to be kept with a state, after forget_all_but(): element, count, stack below of each.
  std::vector<std::uint32_t> frames() const;
  // False where they are none of this grammar; heads have to be checked by is_head().
  bool restore(std::span<const std::uint32_t> frames);
  bool is_head(Stack stack) const;

 private:
  struct Frame {
    std::uint32_t element;
    std::uint32_t count;  // of the repeat's turns so far
    Stack below;
    std::uint32_t next;  // in the bucket
  };
  struct Noted {  // what stacks a head leads to
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    bool known = false;
    bool may_end = false;
  };

  Stack stack_of(std::uint32_t element, std::uint32_t count, Stack below);
  Stack behind(const Frame& frame);
  void reserve(std::size_t frames);
  void link(Stack stack);
  void rebuild_buckets();
  const Noted& noted(Stack head);
  bool expand(std::vector<Stack>& heads);
  void add_to_set(Stack head, std::vector<Stack>& heads);
  void expand_rule(std::uint32_t rule, Stack below);
  void expand_repeat(const Frame& frame);

  std::shared_ptr<const Grammar> grammar_;
  std::vector<Frame> frames_;
  std::vector<std::uint32_t> buckets_;   // first frame of each
  std::vector<Noted> noted_;             // per frame
  std::vector<Stack> notes_;             // their stacks
  std::vector<std::uint64_t> expanded_;  // per frame: the expansion that saw it last
  std::vector<std::uint64_t> in_set_;    // likewise the set
  std::vector<Stack> to_expand_;
  std::vector<Stack> found_;
  std::size_t tidy_above_;  // frames
  std::uint64_t expansion_ = 0;
  std::uint64_t set_ = 0;
  std::size_t set_size_ = 0;
};

}  // namespace burin::runtime
