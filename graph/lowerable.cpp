#include "graph/lowerable.hpp"

#include <algorithm>
#include <limits>

#include "jit/error.hpp"

namespace burin::graph {
namespace {

class KernelCheck {
 public:
  explicit KernelCheck(const ModelDescription& model) : model_(model) {}

  // What a node asks for by itself.
  void check_attributes(const Node& node) const {
    switch (node.op) {
      case Op::embed:
        return refuse_if(node.embed.index == EmbedIndex::position, node, "learned position embedding");
      case Op::norm: return check_norm(node, node.norm);
      case Op::linear: return check_linear(node);
      case Op::attention: return check_attention(node);
      case Op::scale: return refuse(node, "multiplication by a constant");
      case Op::soft_cap: return refuse(node, "soft cap");
      case Op::clip: return refuse(node, "clipping");
      case Op::route:
      case Op::experts: return refuse(node, "mixture of experts");
      default: return;
    }
  }

  // What the passes left of the graph.
  void check_fused(const Node& node) const {
    if (node.op == Op::attention)
      return refuse_if(node.inputs.size() != 1, node, "attention over other than rotated projections");
    refuse_if(node.op != Op::embed && node.op != Op::linear, node,
              fmt::format("{} by itself", name_of(node.op)));
  }

 private:
  [[noreturn]] void refuse(const Node& node, std::string_view what) const {
    fail("{}: architecture {}: {}: {} has no kernel yet: use a LLaMA-family model", model_.path,
         printable(model_.architecture), node.name, what);
  }
  void refuse_if(bool missing, const Node& node, std::string_view what) const {
    if (missing) refuse(node, what);
  }
  void check_norm(const Node& node, const NormAttributes& norm) const {
    refuse_if(norm.kind == NormKind::layer, node, "layer norm");
    refuse_if(norm.weight_offset != 0, node, "norm with an offset to its weights");
    refuse_if(norm.group != 0, node, "norm over single heads");
  }

  void check_linear(const Node& node) const {
    const LinearAttributes& linear = node.linear;
    if (linear.normed) check_norm(node, linear.norm);
    for (const LinearPart& part : linear.parts)
      refuse_if(part.view.transposed || part.view.slice != 0, node, "transposed or stacked matrix");
    if (linear.epilogue == LinearEpilogue::gate)
      refuse_if(linear.activation != ActivationFunction::silu, node,
                fmt::format("gate with {}", name_of(linear.activation)));
    if (linear.epilogue != LinearEpilogue::rope_kv) return;
    const RopeAttributes& rope = linear.attention.rope;
    // Where all of a head rotates, the scale of the scores takes the magnitude.
    refuse_if(rope.magnitude != 1 && rope.rotary != rope.head_size, node,
              "partial rotation with a magnitude");
  }

  void check_attention(const Node& node) const {
    const AttentionAttributes& attention = node.attention;
    refuse_if(attention.shared_size != 0, node, "latent attention");
    refuse_if(attention.value_width() != attention.head_size, node, "values of another size than keys");
    refuse_if(attention.soft_cap != 0, node, "soft cap of attention scores");
    refuse_if(!attention.slopes.empty(), node, "ALiBi");
    refuse_if(!attention.sinks.empty(), node, "attention with sinks");
  }

  const ModelDescription& model_;
};

}  // namespace

void require_kernels(const Graph& graph, const ModelDescription& model, std::int64_t context) {
  const KernelCheck kernels(model);
  for (const Node& node : graph.nodes) kernels.check_attributes(node);
  // An attention that was not fused says more than what it left behind.
  for (const Node& node : graph.nodes)
    if (node.op == Op::attention) kernels.check_fused(node);
  for (const Node& node : graph.nodes) kernels.check_fused(node);
  if (const std::int64_t most = largest_context(graph); context > most)
    fail(
        "{}: architecture {}: context {} is longer than its window, or than one rotation is good for: use "
        "--context {} or less",
        model.path, printable(model.architecture), context, most);
}

std::int64_t largest_context(const Graph& graph) {
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
  for (const Node& node : graph.nodes)
    for (const std::int64_t limit : {node.attention.window, node.attention.log_context,
                                     node.rope.longer.context, node.linear.attention.rope.longer.context})
      if (limit > 0) most = std::min(most, limit);
  return most;
}

}  // namespace burin::graph
