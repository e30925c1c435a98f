#include "runtime/tokenizer/bpe.hpp"

#include <queue>

namespace burin::runtime {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

// A merge that was possible when it was queued; it is stale once either side has changed.
struct Candidate {
  double rank;
  std::size_t left, right;
  std::size_t bytes;  // of both sides
  TokenId id;

  bool operator>(const Candidate& other) const {
    return rank != other.rank ? rank > other.rank : left > other.left;
  }
};

class Merger {
 public:
  Merger(std::vector<BpeSymbol>& symbols, const BpeMergeRule& rule)
      : symbols_(symbols), rule_(rule), next_(symbols.size()), previous_(symbols.size()) {
    for (std::size_t i = 0; i < symbols.size(); ++i) {
      next_[i] = i + 1 < symbols.size() ? i + 1 : kNone;
      previous_[i] = i > 0 ? i - 1 : kNone;
    }
  }

  void run() {
    for (std::size_t i = 0; i + 1 < symbols_.size(); ++i) queue(i, i + 1);
    while (!candidates_.empty()) {
      const Candidate best = candidates_.top();
      candidates_.pop();
      if (is_current(best)) merge(best);
    }
    std::erase_if(symbols_, [](const BpeSymbol& symbol) { return symbol.text.empty(); });
  }

 private:
  void queue(std::size_t left, std::size_t right) {
    if (left == kNone || right == kNone) return;
    const BpeMerge merge = rule_(symbols_[left], symbols_[right]);
    if (merge.id >= 0)
      candidates_.push(
          {merge.rank, left, right, symbols_[left].text.size() + symbols_[right].text.size(), merge.id});
  }

  // A swallowed symbol is empty, a grown one longer: the lengths tell.
  bool is_current(const Candidate& c) const {
    return !symbols_[c.left].text.empty() && !symbols_[c.right].text.empty() && next_[c.left] == c.right &&
           symbols_[c.left].text.size() + symbols_[c.right].text.size() == c.bytes;
  }

  void merge(const Candidate& c) {
    symbols_[c.left] = {std::string_view(symbols_[c.left].text.data(), c.bytes), c.id};
    symbols_[c.right].text = {};
    next_[c.left] = next_[c.right];
    if (next_[c.left] != kNone) previous_[next_[c.left]] = c.left;
    queue(previous_[c.left], c.left);
    queue(c.left, next_[c.left]);
  }

  std::vector<BpeSymbol>& symbols_;
  const BpeMergeRule& rule_;
  std::vector<std::size_t> next_, previous_;
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> candidates_;
};

}  // namespace

void merge_many_symbols(std::vector<BpeSymbol>& symbols, const BpeMergeRule& rule) {
  Merger(symbols, rule).run();
}

}  // namespace burin::runtime
