// First buffers, then their places. A buffer is taken by one value after another, all of the same shape:
//
//   node            embed   qkv   attention   output   gate   down
//   x               |=====================================================   (sums overwrite it)
//   q                       |=========|
//   attended                          |========|
//   gate product                                       |======|
//
// Buffers that are never in use at the same time share memory: largest first, each at the lowest offset where
// it meets no other one in use with it.
#include "graph/arena.hpp"

#include <algorithm>
#include <numeric>

namespace burin::graph {
namespace {

constexpr std::size_t kAlignment = 64;

class ArenaBuilder {
 public:
  ArenaBuilder(const Graph& graph, const std::map<ValueId, RowExtent>& extents, std::int64_t rows,
               std::int64_t logit_rows)
      : graph_(graph),
        extents_(extents),
        rows_(rows),
        logit_rows_(logit_rows),
        last_reader_(graph.values.size(), 0),
        first_of_head_(find_head(graph)) {
    for (std::size_t i = 0; i < graph.nodes.size(); ++i)
      for (const ValueId input : graph.nodes[i].inputs) last_reader_[static_cast<std::size_t>(input)] = i;
  }

  Arena build() {
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) place_output(i);
    std::vector<std::size_t> order(arena_.buffers.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return arena_.buffers[a].bytes() > arena_.buffers[b].bytes();
    });
    for (const std::size_t buffer : order) place(buffer);
    return std::move(arena_);
  }

 private:
  // Nodes from the one that makes a value to the last that reads it.
  struct Life {
    std::size_t first = 0;
    std::size_t last = 0;
  };

  // Values that are dead hand their buffer to later values that write as much of as wide a row: what lies
  // past that was zero and stays so. A residual sum takes the place of its summand.
  void place_output(std::size_t index) {
    const Node& node = graph_.nodes[index];
    in_head_ = in_head_ || (node.op == Op::linear && node.linear.last_row_only);
    const ValueId replaced = overwritten_input(index);
    const int buffer = replaced != kNoValue ? arena_.buffer_of.at(replaced) : take(node.output);
    arena_.buffer_of[node.output] = buffer;
    lives_[static_cast<std::size_t>(buffer)].push_back({index, end_of_life(node.output)});
    ends_.erase(replaced);
    ends_[node.output] = end_of_life(node.output);
    for (const auto& [value, end] : ends_)
      if (end == index) free_.emplace(extents_.at(value), arena_.buffer_of.at(value));
  }

  // The input whose place the output takes, value for value; kNoValue: none.
  ValueId overwritten_input(std::size_t index) const {
    const Node& node = graph_.nodes[index];
    ValueId candidate = kNoValue;
    if (node.op == Op::linear && node.linear.epilogue == LinearEpilogue::add) candidate = node.inputs[1];
    if (node.op == Op::expert_sums && node.inputs.size() == 3) candidate = node.inputs[2];
    if (is_rowwise(node.op)) candidate = node.inputs[0];
    if (candidate == kNoValue || last_reader(candidate) != index) return kNoValue;
    return is_rowwise(node.op) && extents_.at(candidate) != extents_.at(node.output) ? kNoValue : candidate;
  }

  static bool is_rowwise(Op op) {
    switch (op) {
      case Op::norm:
      case Op::activation:
      case Op::multiply:
      case Op::add:
      case Op::scale:
      case Op::clip:
      case Op::soft_cap: return true;
      default: return false;
    }
  }

  int take(ValueId value) {
    const RowExtent extent = extents_.at(value);
    const auto reusable = free_.find(extent);
    if (reusable != free_.end() && !in_head_) {
      const int index = reusable->second;
      free_.erase(reusable);
      return index;
    }
    const std::int64_t rows = in_head_ ? logit_rows_ : rows_;
    arena_.buffers.push_back({graph_.values[static_cast<std::size_t>(value)].name, extent.width, rows, 0});
    lives_.emplace_back();
    // What a reader takes for zero behind the written part must not be overwritten in between.
    padded_.push_back(extent.width != extent.written);
    return static_cast<int>(arena_.buffers.size()) - 1;
  }

  bool in_use_together(std::size_t a, std::size_t b) const {
    if (padded_[a] || padded_[b]) return true;
    return std::any_of(lives_[a].begin(), lives_[a].end(), [&](const Life& x) {
      return std::any_of(lives_[b].begin(), lives_[b].end(),
                         [&](const Life& y) { return x.first <= y.last && y.first <= x.last; });
    });
  }

  void place(std::size_t index) {
    Buffer& buffer = arena_.buffers[index];
    std::vector<const Buffer*> others;  // by offset
    for (const std::size_t other : placed_)
      if (in_use_together(index, other)) others.push_back(&arena_.buffers[other]);
    std::sort(others.begin(), others.end(),
              [](const Buffer* a, const Buffer* b) { return a->offset < b->offset; });
    for (const Buffer* other : others)
      if (buffer.offset + buffer.bytes() > other->offset)
        buffer.offset = std::max(buffer.offset, end_of(*other));
    arena_.bytes = std::max(arena_.bytes, end_of(buffer));
    placed_.push_back(index);
  }

  static std::size_t end_of(const Buffer& buffer) {
    return (buffer.offset + buffer.bytes() + kAlignment - 1) / kAlignment * kAlignment;
  }

  std::size_t last_reader(ValueId value) const { return last_reader_[static_cast<std::size_t>(value)]; }

  // Where threads need not meet behind the last reader (planner/thread_rows.hpp), one may still read there while
  // another is at the nodes up to the next one where they do. What the head reads lives to the end: the head may
  // run several times, for some rows each.
  std::size_t end_of_life(ValueId value) const {
    const std::size_t nodes = graph_.nodes.size();
    std::size_t last = value == graph_.logits ? nodes : last_reader(value);
    while (last < nodes && passes_on(graph_.nodes[last])) ++last;
    return last >= first_of_head_ ? nodes : last;
  }

  // Of one row, what a thread makes there stays with it: rows that it has of its own, or heads.
  bool passes_on(const Node& node) const {
    if (node.op == Op::attention) return graph_.producer(node.inputs[0])->op == Op::latent;
    return node.op == Op::heads || node.op == Op::latent || is_rowwise(node.op);
  }

  static std::size_t find_head(const Graph& graph) {
    const auto head = std::find_if(graph.nodes.begin(), graph.nodes.end(), [](const Node& node) {
      return node.op == Op::linear && node.linear.last_row_only;
    });
    return static_cast<std::size_t>(head - graph.nodes.begin());
  }

  const Graph& graph_;
  const std::map<ValueId, RowExtent>& extents_;
  std::int64_t rows_;
  std::int64_t logit_rows_;
  std::vector<std::size_t> last_reader_;  // node, by value
  std::size_t first_of_head_;             // node
  bool in_head_ = false;                  // values of the head have the logits' rows
  Arena arena_;
  std::multimap<RowExtent, int> free_;
  std::map<ValueId, std::size_t> ends_;   // of values that have not been overwritten
  std::vector<std::vector<Life>> lives_;  // by buffer
  std::vector<bool> padded_;              // likewise
  std::vector<std::size_t> placed_;       // buffers that have their offsets
};

}  // namespace

Arena assign_arena(const Graph& graph, const std::map<ValueId, RowExtent>& extents, std::int64_t rows,
                   std::int64_t logit_rows) {
  return ArenaBuilder(graph, extents, rows, logit_rows).build();
}

}  // namespace burin::graph
