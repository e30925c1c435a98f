// Latent attention in its absorbed form (DeepSeek-AI, DeepSeek-V2, 2024, section 2.1.2). As a model defines it, keys
// and values of every head are made of a latent row, and a query's rotated part meets one key that all heads share:
//
//                  x                                                x
//        /         |          \                                     |
//      q, q_rot  latent      k_rot                     linear [q, q_rot, k_rot, latent]
//      |    |      |          |                                     |
//      |   rope   norm       rope           ==>        latent: rotate, norm; to cache; q times
//      |    |     /   \       |                                W_k transposed, head by head
//      |    |    k     v      |                                     |
//       \___|____|_____|_____/                             attention (cache), one KV head
//              attention                                            |
//                  |                                       linear by heads: times W_v
//                                                                   |
//
// as q . (W_k c) = (W_k^T q) . c, and a weighted sum of W_v c is W_v times the weighted sum of c. A cache then keeps
// c and k_rot per position, whatever the number of heads. Where queries have a latent row of their own, its matrix is
// merged with those of x, and the matrices behind it with each other:
//
//      linear [q_a, k_rot, latent]  ->  linear (norm of q_a first) [q, q_rot]  ->  latent ...
#include <algorithm>

#include "graph/passes/passes.hpp"

namespace burin::graph {
namespace {

class LatentFusion {
 public:
  LatentFusion(Graph& graph, std::size_t attention) : graph_(graph), index_(attention) {}

  // Why the attention does not fit; empty where it was fused.
  std::string run() {
    find();
    if (std::string reason = obstacle(); !reason.empty()) return reason;
    fuse();
    return "";
  }

  std::size_t index_after() const { return index_ + added_ - gone_.size(); }

 private:
  using Index = std::ptrdiff_t;  // of a node; -1: there is none

  const Node& node(Index at) const { return graph_.nodes[static_cast<std::size_t>(at)]; }
  bool is(Index at, Op op) const { return at >= 0 && node(at).op == op; }
  Index producer(ValueId value) const { return index_of_producer(graph_, value); }
  Index before(Index at) const { return at < 0 ? -1 : producer(node(at).inputs[0]); }

  void find() {
    const std::vector<ValueId>& inputs = graph_.nodes[index_].inputs;
    q_ = producer(inputs[0]);
    k_ = producer(inputs[1]);
    v_ = producer(inputs[2]);
    rope_q_ = producer(inputs[3]);
    rope_k_ = producer(inputs[4]);
    if (is(rope_q_, Op::rope)) q_rot_ = before(rope_q_);
    if (is(rope_k_, Op::rope)) k_rot_ = before(rope_k_);
    if (is(k_, Op::linear)) norm_ = before(k_);
    if (is(norm_, Op::norm)) latent_ = before(norm_);
    if (latent_ < 0 || !is(q_, Op::linear) || node(q_).inputs == node(latent_).inputs) return;
    norm_q_ = before(q_);
    if (is(norm_q_, Op::norm)) q_a_ = before(norm_q_);
  }

  bool has_query_latent() const { return norm_q_ >= 0; }

  std::string obstacle() const {
    for (const Index at : {q_, q_rot_, k_, v_, k_rot_, latent_})
      if (!is_plain_linear(graph_, at)) return "an input is no plain projection";
    if (has_query_latent() && !is_plain_linear(graph_, q_a_))
      return "the queries' row is no plain projection";
    if (node(rope_q_).rope != node(rope_k_).rope) return "Q and K rotate differently";
    if (std::string reason = obstacle_of_inputs(); !reason.empty()) return reason;
    for (const Index at : {k_, v_}) {
      const LinearPart& part = node(at).linear.parts[0];
      if (!part.bias.empty()) return node(at).name + " has a bias";
      const bool by_slices = part.view.slice == kAllSlices;
      if (part.view.transposed ? !(at == k_ && by_slices) : !by_slices && part.view.slice != 0)
        return node(at).name + " is stored in another way";
    }
    return obstacle_of_sizes();
  }

  std::string obstacle_of_inputs() const {
    const Index top = has_query_latent() ? q_a_ : q_;
    if (node(k_).inputs != node(v_).inputs) return "K and V have different inputs";
    if (node(q_).inputs != node(q_rot_).inputs) return "both parts of Q have different inputs";
    if (node(top).inputs != node(latent_).inputs || node(k_rot_).inputs != node(latent_).inputs)
      return "projections have different inputs";
    for (const Index at : {q_, q_rot_, rope_q_, k_, v_, k_rot_, rope_k_, latent_})
      if (graph_.uses(node(at).output) != 1) return node(at).name + " is used elsewhere";
    if (graph_.uses(node(norm_).output) != 2) return node(norm_).name + " is used elsewhere";
    if (has_query_latent() && (graph_.uses(node(norm_q_).output) != 2 || graph_.uses(node(q_a_).output) != 1))
      return node(norm_q_).name + " is used elsewhere";
    return "";
  }

  std::string obstacle_of_sizes() const {
    const AttentionAttributes& attention = graph_.nodes[index_].attention;
    const RopeAttributes& rope = node(rope_q_).rope;
    if (attention.kv_heads != attention.query_heads) return "it has fewer KV heads than query heads";
    if (rope.head_size != attention.shared_size || rope.rotary != rope.head_size)
      return "not exactly the shared part rotates";
    if (node(norm_).norm.group != 0) return "it normalises parts of the latent row";
    return "";
  }

  LinearPart part_of(Index at, int heads = 0, bool rotated = false) const {
    LinearPart part = node(at).linear.parts[0];
    part.heads = heads;
    part.rotated = rotated;
    return part;
  }

  Node linear(std::string_view suffix, ValueId input, std::vector<LinearPart> parts) {
    Node made;
    made.op = Op::linear;
    made.name = graph_.nodes[index_].name + std::string(suffix);
    made.inputs = {input};
    made.linear.parts = std::move(parts);
    made.linear.epilogue = LinearEpilogue::latent;
    made.linear.attention = absorbed_;
    std::int64_t width = 0;
    for (const LinearPart& part : made.linear.parts) width += part.outputs;
    made.output = graph_.add_value(made.name, width);
    return made;
  }

  // One KV head for all.
  AttentionAttributes absorbed() const {
    AttentionAttributes attention = graph_.nodes[index_].attention;
    const auto latent = static_cast<int>(graph_.width(node(latent_).output));
    attention.kv_heads = 1;
    attention.head_size = attention.shared_size + latent;
    attention.value_size = latent;
    attention.shared_size = 0;
    attention.rope = node(rope_q_).rope;
    return attention;
  }

  void fuse() {
    absorbed_ = absorbed();
    std::vector<Node> made = projections();
    made.push_back(latent(made));
    const Node& last = made.back();
    Node attention = graph_.nodes[index_];
    const ValueId result = attention.output;
    attention.attention = absorbed_;
    attention.attention.rope = {};
    attention.inputs = {last.output};
    attention.output = graph_.add_value(attention.name + "_latent",
                                        std::int64_t{absorbed_.query_heads} * absorbed_.value_size);
    made.push_back(values(attention.output, result));
    for (const Index at : {q_, q_rot_, rope_q_, k_, v_, k_rot_, rope_k_, norm_, latent_, norm_q_, q_a_})
      if (at >= 0) gone_.push_back(static_cast<std::size_t>(at));
    made.insert(made.end() - 1, std::move(attention));
    added_ = made.size() - 1;  // the attention stands for itself
    graph_.nodes.erase(graph_.nodes.begin() + static_cast<Index>(index_));
    graph_.nodes.insert(graph_.nodes.begin() + static_cast<Index>(index_), made.begin(), made.end());
    remove_nodes(graph_, gone_);
  }

  // The last one makes Q, the first one the key and the latent row.
  std::vector<Node> projections() {
    const ValueId x = node(latent_).inputs[0];
    const int heads = absorbed_.query_heads;
    const LinearPart q = part_of(q_, heads);
    const LinearPart q_rot = part_of(q_rot_, heads, true);
    const LinearPart k_rot = part_of(k_rot_, 1, true);
    const LinearPart latent = part_of(latent_);
    if (!has_query_latent()) return {linear("_q_kv", x, {q, q_rot, k_rot, latent})};
    const Node down = linear("_down", x, {part_of(q_a_), k_rot, latent});
    Node up = linear("_q", down.output, {q, q_rot});
    up.linear.inputs = graph_.width(node(q_a_).output);
    up.linear.normed = true;
    up.linear.norm = node(norm_q_).norm;
    return {down, up};
  }

  Node latent(const std::vector<Node>& projections) {
    Node made;
    made.op = Op::latent;
    made.name = graph_.nodes[index_].name + "_heads";
    made.inputs = {projections.back().output, projections.front().output};
    made.latent = {absorbed_, node(k_).linear.parts[0], node(norm_).norm};
    made.output = graph_.add_value(made.name, std::int64_t{absorbed_.query_heads} * absorbed_.head_size);
    return made;
  }

  Node values(ValueId input, ValueId output) const {
    Node made;
    made.op = Op::linear;
    made.name = graph_.nodes[index_].name + "_values";
    made.inputs = {input};
    made.linear.parts = node(v_).linear.parts;
    made.linear.heads = absorbed_.query_heads;
    made.output = output;
    return made;
  }

  Graph& graph_;
  std::size_t index_;
  Index q_ = -1, q_rot_ = -1, rope_q_ = -1, k_ = -1, v_ = -1, k_rot_ = -1, rope_k_ = -1;
  Index norm_ = -1, latent_ = -1;  // of keys and values
  Index norm_q_ = -1, q_a_ = -1;   // of queries, where they have a latent row
  AttentionAttributes absorbed_;
  std::vector<std::size_t> gone_;
  std::size_t added_ = 0;
};

}  // namespace

void fuse_latent(Graph& graph, Trace& trace) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].op != Op::attention || graph.nodes[i].attention.shared_size == 0) continue;
    const std::string name = graph.nodes[i].name;
    LatentFusion fusion(graph, i);
    const std::string reason = fusion.run();
    trace.push_back({"latent", name, reason.empty(), reason});
    if (reason.empty()) i = fusion.index_after();
  }
}

}  // namespace burin::graph
