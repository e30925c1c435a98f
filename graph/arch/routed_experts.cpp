#include "graph/arch/routed_experts.hpp"

#include "jit/error.hpp"

namespace burin::graph {
namespace {

constexpr std::int64_t kMostExperts = 4096;
constexpr std::int64_t kMostWidth = 1 << 20;

class ExpertParts {
 public:
  ExpertParts(const DecoderBuilder& builder, const ExpertSettings& settings, const ExpertNames& names)
      : b_(builder), settings_(settings), names_(names) {}

  Expert expert(std::int64_t index) const {
    const std::int64_t hidden = b_.shape().hidden;
    return {matrix("ffn_gate_exps", names_.gate, index, settings_.width, hidden),
            matrix("ffn_up_exps", names_.up, index, settings_.width, hidden),
            matrix("ffn_down_exps", names_.down, index, hidden, settings_.width)};
  }

 private:
  LinearPart matrix(std::string_view gguf, std::string_view hugging_face, std::int64_t index,
                    std::int64_t outputs, std::int64_t inputs) const {
    if (b_.gguf()) return b_.slice_of(gguf, index, settings_.count, outputs, inputs);
    return b_.part(fmt::format(fmt::runtime(hugging_face), index), outputs, outputs, inputs);
  }

  const DecoderBuilder& b_;
  const ExpertSettings& settings_;
  const ExpertNames& names_;
};

}  // namespace

ExpertSettings read_experts(const ModelDescription& model, const ExpertKeys& keys) {
  const ConfigReader config(model);
  ExpertSettings settings;
  settings.count = config.integer(config_key(model, "expert_count", keys.count), 1, kMostExperts);
  settings.route.used = config.integer(config_key(model, "expert_used_count", keys.used), 1, settings.count);
  // Older GGUF files have no length of their own for experts.
  const std::string_view width = config.has(gguf_key(model, "expert_feed_forward_length"))
                                     ? "expert_feed_forward_length"
                                     : "feed_forward_length";
  settings.width = config.integer(config_key(model, width, keys.width), 1, kMostWidth);
  return settings;
}

ValueId route_node(DecoderBuilder& b, ValueId x, const ExpertSettings& settings, std::string_view router) {
  Node node;
  node.op = Op::route;
  node.inputs = {b.linear(router, settings.count, x)};
  node.route = settings.route;
  return b.add_node(std::move(node), "route", settings.count);
}

ValueId experts_node(DecoderBuilder& b, ValueId x, ValueId weights, const ExpertsAttributes& experts) {
  Node node;
  node.op = Op::experts;
  node.inputs = {x, weights};
  node.experts = experts;
  return b.add_node(std::move(node), "experts", b.shape().hidden);
}

ValueId routed_experts(DecoderBuilder& b, ValueId x, const ExpertSettings& settings,
                       const ExpertNames& names) {
  const ValueId weights = route_node(b, x, settings, b.gguf() ? "ffn_gate_inp" : names.router);
  const ExpertParts parts(b, settings, names);
  ExpertsAttributes experts;
  experts.activation = settings.activation;
  for (std::int64_t expert = 0; expert < settings.count; ++expert)
    experts.experts.push_back(parts.expert(expert));
  return experts_node(b, x, weights, experts);
}

}  // namespace burin::graph
