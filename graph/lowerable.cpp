#include "graph/lowerable.hpp"

#include <algorithm>

#include "jit/error.hpp"
#include "templates/formats/packing.hpp"

namespace burin::graph {
namespace {

class KernelCheck {
 public:
  KernelCheck(const ModelDescription& model, std::int64_t context) : model_(model), context_(context) {}

  // What a node asks for by itself.
  void check_attributes(const Node& node) const {
    switch (node.op) {
      case Op::embed: return check_embed(node);
      case Op::linear: return check_linear(node);
      case Op::latent:
        return refuse_if(node.latent.keys.order >= 0, node,
                         "latent attention with keys whose inputs are sorted by group (act-order)");
      case Op::heads: return check_heads(node);
      case Op::attention: return check_attention(node);
      case Op::experts: return refuse(node, "mixture of experts without a router");
      case Op::expert_gates: return check_experts(node);
      case Op::expert_sums:
        return refuse_if(node.inputs.size() != 3, node, "mixture of experts that is not added to its input");
      default: return;
    }
  }

  // What the passes left of the graph.
  void check_fused(const Node& node) const {
    if (node.op == Op::attention) {
      refuse_if(node.attention.shared_size != 0, node, "latent attention of another form than DeepSeek-V2's");
      return refuse_if(node.inputs.size() != 1, node, "attention over other than rotated projections");
    }
    refuse_if(node.op == Op::rope, node, "rotation by itself");
    refuse_if(node.op == Op::norm && node.norm.group != 0, node, "norm over parts of a row");
  }

 private:
  [[noreturn]] void refuse(const Node& node, std::string_view what) const {
    fail("{}: architecture {}: {}: {} has no kernel yet: use a model without it", model_.path,
         printable(model_.architecture), node.name, what);
  }
  void refuse_if(bool missing, const Node& node, std::string_view what) const {
    if (missing) refuse(node, what);
  }

  std::int64_t rows_of(const std::string& tensor) const {
    return model_.tensors[static_cast<std::size_t>(model_.find(tensor))].shape[0];
  }

  void check_embed(const Node& node) const {
    const std::ptrdiff_t table = model_.find(node.embed.table);
    refuse_if(table >= 0 && model_.tensors[static_cast<std::size_t>(table)].order >= 0, node,
              "embedding whose elements are sorted by group (act-order)");
    if (node.embed.index == EmbedIndex::token) return;
    const std::int64_t positions = rows_of(node.embed.table) - node.embed.offset;
    if (context_ > positions)
      fail(
          "{}: architecture {}: {}: context {} is longer than the {} positions that were learned: use "
          "--context {}",
          model_.path, printable(model_.architecture), node.name, context_, positions, positions);
  }

  void check_linear(const Node& node) const {
    refuse_if(node.linear.heads > 0 && node.linear.parts[0].order >= 0, node,
              "latent attention with values whose inputs are sorted by group (act-order)");
    for (const LinearPart& part : node.linear.parts) check_part(node, part);
    refuse_if(node.linear.heads > 0 && node.linear.parts[0].outputs / node.linear.heads % 32 != 0, node,
              "latent attention with values whose size is no multiple of 32");
  }

  void check_part(const Node& node, const LinearPart& part) const {
    const auto tensor = static_cast<std::size_t>(model_.find(part.weight));
    const TensorDescription& stored = model_.tensors[tensor];
    const bool quantised = stored.coded.has_value() || stored.natural_format().has_codes();
    refuse_if(part.view.transposed && part.view.slice == kAllSlices, node,
              "matrices of heads that are transposed, outside of latent attention,");
    refuse_if(part.view.transposed && quantised, node, "transposed matrix of quantised weights");
    refuse_if(part.unit_rows && (quantised || node.linear.parts.size() != 1), node,
              "normalised rows of quantised or merged weights");
  }

  // One kernel computes all of them.
  void check_experts(const Node& node) const {
    const Expert& first = node.experts.experts.front();
    for (const Expert& expert : node.experts.experts)
      for (LinearPart Expert::*member : {&Expert::gate, &Expert::up, &Expert::down}) {
        const LinearPart& part = expert.*member;
        check_part(node, part);
        refuse_if(part.order >= 0, node, "experts whose inputs are sorted by group (act-order)");
        MatrixView view = part.view;
        view.slice = (first.*member).view.slice;
        refuse_if(part.outputs != (first.*member).outputs || view != (first.*member).view, node,
                  "experts of different shapes");
      }
  }

  void check_heads(const Node& node) const {
    const HeadsAttributes& heads = node.heads;
    if (!heads.normed) return;
    const std::int64_t group = heads.query_norm.group;
    refuse_if(group != heads.key_norm.group || (group != 0 && group != heads.attention.head_size), node,
              "norm over parts of heads");
    refuse_if(heads.query_norm.kind == NormKind::layer && heads.attention.head_size % 32 != 0, node,
              "layer norm of heads whose size is no multiple of 32");
  }

  void check_attention(const Node& node) const {
    const AttentionAttributes& attention = node.attention;
    refuse_if(attention.head_size % 2 != 0, node, "odd head size");
  }

  const ModelDescription& model_;
  std::int64_t context_;
};

}  // namespace

void require_kernels(const Graph& graph, const ModelDescription& model, std::int64_t context) {
  const KernelCheck kernels(model, context);
  for (const Node& node : graph.nodes) kernels.check_attributes(node);
  // An attention that was not fused says more than what it left behind.
  for (const Node& node : graph.nodes)
    if (node.op == Op::attention) kernels.check_fused(node);
  for (const Node& node : graph.nodes) kernels.check_fused(node);
}

}  // namespace burin::graph
