#include "graph/arena.hpp"

namespace burin::graph {
namespace {

constexpr std::size_t kAlignment = 64;

class ArenaBuilder {
 public:
  ArenaBuilder(const Graph& graph, const std::map<ValueId, RowExtent>& extents, std::int64_t rows,
               std::int64_t logit_rows)
      : graph_(graph), extents_(extents), rows_(rows), logit_rows_(logit_rows) {}

  Arena build() {
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) place_output(i);
    for (Buffer& buffer : arena_.buffers) {
      buffer.offset = arena_.bytes;
      arena_.bytes += static_cast<std::size_t>(buffer.width * buffer.rows) * sizeof(float);
      arena_.bytes = (arena_.bytes + kAlignment - 1) / kAlignment * kAlignment;
    }
    return std::move(arena_);
  }

 private:
  // Values that are dead hand their buffer to later values that write as much of as wide a row: what lies
  // past that was zero and stays so. A residual sum takes the place of its summand.
  void place_output(std::size_t index) {
    const Node& node = graph_.nodes[index];
    in_head_ = in_head_ || (node.op == Op::linear && node.linear.last_row_only);
    const ValueId replaced = overwritten_input(index);
    arena_.buffer_of[node.output] = replaced != kNoValue ? arena_.buffer_of.at(replaced) : take(node.output);
    for (const ValueId input : node.inputs)
      if (last_use(input) == index && input != replaced)
        free_.emplace(extents_.at(input), arena_.buffer_of.at(input));
  }

  // The input whose place the output takes, value for value; kNoValue: none.
  ValueId overwritten_input(std::size_t index) const {
    const Node& node = graph_.nodes[index];
    ValueId candidate = kNoValue;
    if (node.op == Op::linear && node.linear.epilogue == LinearEpilogue::add) candidate = node.inputs[1];
    if (is_rowwise(node.op)) candidate = node.inputs[0];
    if (candidate == kNoValue || last_use(candidate) != index) return kNoValue;
    return is_rowwise(node.op) && extents_.at(candidate) != extents_.at(node.output) ? kNoValue : candidate;
  }

  static bool is_rowwise(Op op) {
    return op != Op::embed && op != Op::linear && op != Op::attention && op != Op::heads;
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
    return static_cast<int>(arena_.buffers.size()) - 1;
  }

  std::size_t last_use(ValueId value) const {
    std::size_t last = 0;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i)
      for (const ValueId input : graph_.nodes[i].inputs)
        if (input == value) last = i;
    return last;
  }

  const Graph& graph_;
  const std::map<ValueId, RowExtent>& extents_;
  std::int64_t rows_;
  std::int64_t logit_rows_;
  bool in_head_ = false;  // values of the head have the logits' rows
  Arena arena_;
  std::multimap<RowExtent, int> free_;
};

}  // namespace

Arena assign_arena(const Graph& graph, const std::map<ValueId, RowExtent>& extents, std::int64_t rows,
                   std::int64_t logit_rows) {
  return ArenaBuilder(graph, extents, rows, logit_rows).build();
}

}  // namespace burin::graph
