#include "graph/lowerable.hpp"

#include "jit/error.hpp"

namespace burin::graph {
namespace {

class KernelCheck {
 public:
  KernelCheck(const ModelDescription& model, std::int64_t context) : model_(model), context_(context) {}

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
  void require_context(std::int64_t most, const Node& node, std::string_view what) const {
    if (context_ > most)
      fail("{}: architecture {}: {}: {} has no kernel yet: use --context {} or less", model_.path,
           printable(model_.architecture), node.name, what, most);
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
    refuse_if(rope.magnitude != 1, node, "rotation that changes the magnitude");
    if (rope.longer.context > 0)
      require_context(rope.longer.context, node, "another rotation of long sequences");
  }

  void check_attention(const Node& node) const {
    const AttentionAttributes& attention = node.attention;
    refuse_if(attention.shared_size != 0, node, "latent attention");
    refuse_if(attention.value_width() != attention.head_size, node, "values of another size than keys");
    refuse_if(attention.soft_cap != 0, node, "soft cap of attention scores");
    refuse_if(!attention.slopes.empty(), node, "ALiBi");
    refuse_if(!attention.sinks.empty(), node, "attention with sinks");
    if (attention.log_context > 0)
      require_context(attention.log_context, node, "queries that grow with their position");
    if (attention.window > 0) require_context(attention.window, node, "attention to a window");
  }

  const ModelDescription& model_;
  std::int64_t context_;
};

}  // namespace

void require_kernels(const Graph& graph, const ModelDescription& model, std::int64_t context) {
  const KernelCheck kernels(model, context);
  for (const Node& node : graph.nodes) kernels.check_attributes(node);
  for (const Node& node : graph.nodes) kernels.check_fused(node);
}

}  // namespace burin::graph
