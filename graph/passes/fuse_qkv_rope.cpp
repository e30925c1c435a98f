// The three projections of an attention become one linear node that rotates and fills the KV cache:
//
//          x                                   x
//       /  |  \                                |
//      q   k   v                      linear [q, k, v]
//      |   |   |                   rotate q; k, v to cache
//    rope rope |          ==>                  |
//       \  |  /                          attention (cache)
//      attention                               |
//          |
//
// Without rope nodes nothing is rotated. Where Q and K are normalised, or all three clipped, a heads node stands
// between, for a GEMM's epilogue sees no whole head:
//
//      linear [q, k, v]  ->  heads (norm, rotate q; k, v to cache)  ->  attention (cache)
#include "graph/passes/passes.hpp"

namespace burin::graph {
namespace {

// The nodes behind an attention input: linear, then norm or clip, then rope. -1: there is none.
struct Chain {
  std::ptrdiff_t linear = -1;
  std::ptrdiff_t change = -1;
  std::ptrdiff_t rope = -1;
};

class QkvFusion {
 public:
  QkvFusion(Graph& graph, std::size_t attention) : graph_(graph), index_(attention) {}

  // Why the attention does not fit; empty where it was fused.
  std::string run() {
    for (std::size_t i = 0; i < 3; ++i) chains_[i] = find_chain(graph_.nodes[index_].inputs[i]);
    if (std::string reason = first_obstacle(); !reason.empty()) return reason;
    fuse();
    return "";
  }

  std::size_t nodes_removed() const { return removed_; }
  std::size_t nodes_added() const { return changed() ? 2 : 1; }

 private:
  const Node& node(std::ptrdiff_t at) const { return graph_.nodes[static_cast<std::size_t>(at)]; }
  bool is(std::ptrdiff_t at, Op op) const { return at >= 0 && node(at).op == op; }
  bool changed() const { return chains_[0].change >= 0 || chains_[1].change >= 0 || chains_[2].change >= 0; }

  Chain find_chain(ValueId value) const {
    Chain chain;
    std::ptrdiff_t at = index_of_producer(graph_, value);
    if (is(at, Op::rope)) {
      chain.rope = at;
      at = index_of_producer(graph_, node(at).inputs[0]);
    }
    if (is(at, Op::norm) || is(at, Op::clip)) {
      chain.change = at;
      at = index_of_producer(graph_, node(at).inputs[0]);
    }
    if (is(at, Op::linear)) chain.linear = at;
    return chain;
  }

  std::string first_obstacle() const {
    for (const Chain& chain : chains_) {
      if (!is_plain_linear(graph_, chain.linear)) return "an input is no plain projection";
      for (const std::ptrdiff_t at : {chain.linear, chain.change, chain.rope})
        if (at >= 0 && graph_.uses(node(at).output) != 1) return node(at).name + " is used elsewhere";
      if (node(chain.linear).inputs != node(chains_[0].linear).inputs)
        return "projections have different inputs";
    }
    const auto& [q, k, v] = chains_;
    if ((q.rope >= 0) != (k.rope >= 0) || v.rope >= 0) return "not exactly Q and K are rotated";
    if (q.rope >= 0 && node(q.rope).rope != node(k.rope).rope) return "Q and K rotate differently";
    return obstacle_of_changes();
  }

  std::string obstacle_of_changes() const {
    if (!changed()) return "";
    const auto& [q, k, v] = chains_;
    if (is(q.change, Op::norm) && is(k.change, Op::norm) && v.change < 0) {
      const NormAttributes& a = node(q.change).norm;
      const NormAttributes& b = node(k.change).norm;
      const bool alike = a.kind == b.kind && a.epsilon == b.epsilon && a.weight_offset == b.weight_offset &&
                         (a.group == 0) == (b.group == 0);
      return alike ? "" : "Q and K have norms of different kinds";
    }
    if (is(q.change, Op::clip) && is(k.change, Op::clip) && is(v.change, Op::clip) &&
        node(q.change).constant == node(k.change).constant &&
        node(q.change).constant == node(v.change).constant)
      return "";
    return "neither are Q and K normalised nor all three clipped";
  }

  void fuse() {
    Node& attention = graph_.nodes[index_];
    AttentionAttributes attributes = attention.attention;
    if (chains_[0].rope >= 0) attributes.rope = node(chains_[0].rope).rope;
    std::vector<Node> made;
    made.push_back(projections(attributes));
    if (changed()) made.push_back(heads(attributes, made[0].output));
    std::vector<std::size_t> gone;
    for (const Chain& chain : chains_)
      for (const std::ptrdiff_t at : {chain.linear, chain.change, chain.rope})
        if (at >= 0) gone.push_back(static_cast<std::size_t>(at));
    removed_ = gone.size();
    attention.inputs = {made.back().output};
    graph_.nodes.insert(graph_.nodes.begin() + static_cast<std::ptrdiff_t>(index_), made.begin(), made.end());
    remove_nodes(graph_, gone);
  }

  Node projections(const AttentionAttributes& attributes) {
    Node fused;
    fused.op = Op::linear;
    fused.name = graph_.nodes[index_].name + "_qkv";
    fused.inputs = node(chains_[0].linear).inputs;
    for (const Chain& chain : chains_) fused.linear.parts.push_back(node(chain.linear).linear.parts[0]);
    fused.linear.epilogue = changed() ? LinearEpilogue::qkv : LinearEpilogue::rope_kv;
    fused.linear.attention = attributes;
    std::int64_t width = 0;
    for (const LinearPart& part : fused.linear.parts) width += part.outputs;
    fused.output = changed() ? graph_.add_value(fused.name, width) : graph_.nodes[index_].inputs[0];
    return fused;
  }

  Node heads(const AttentionAttributes& attributes, ValueId qkv) const {
    Node made;
    made.op = Op::heads;
    made.name = graph_.nodes[index_].name + "_heads";
    made.inputs = {qkv};
    made.output = graph_.nodes[index_].inputs[0];
    made.heads.attention = attributes;
    if (is(chains_[0].change, Op::clip)) {
      made.heads.limit = node(chains_[0].change).constant;
    } else {
      made.heads.normed = true;
      made.heads.query_norm = node(chains_[0].change).norm;
      made.heads.key_norm = node(chains_[1].change).norm;
    }
    return made;
  }

  Graph& graph_;
  std::size_t index_;
  Chain chains_[3];
  std::size_t removed_ = 0;
};

}  // namespace

void fuse_qkv_rope(Graph& graph, Trace& trace) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].op != Op::attention || graph.nodes[i].inputs.size() != 3) continue;
    const std::string name = graph.nodes[i].name;
    QkvFusion fusion(graph, i);
    const std::string reason = fusion.run();
    trace.push_back({"qkv_rope", name, reason.empty(), reason});
    if (reason.empty()) i = i + fusion.nodes_added() - fusion.nodes_removed();
  }
}

}  // namespace burin::graph
