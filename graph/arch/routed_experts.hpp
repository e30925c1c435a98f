// Mixtures of experts: a router chooses, for every row, which of a layer's feed-forward blocks compute it.
#pragma once

#include "graph/arch/decoder_builder.hpp"

namespace burin::graph {

struct ExpertSettings {
  std::int64_t count = 0;
  std::int64_t width = 0;  // of an expert's feed-forward
  RouteAttributes route;
  ActivationFunction activation = ActivationFunction::silu;
};

// Keys of config.json. GGUF: expert_count, expert_used_count, expert_feed_forward_length.
struct ExpertKeys {
  std::string_view count = "num_local_experts";
  std::string_view used = "num_experts_per_tok";
  std::string_view width = "intermediate_size";
};
ExpertSettings read_experts(const ModelDescription& model, const ExpertKeys& keys);

// Hugging Face's names within a layer; {} is the expert. GGUF stores all experts of a layer in one tensor
// each: ffn_gate_exps [experts, width, hidden] and so on, the router as ffn_gate_inp.
struct ExpertNames {
  std::string_view router, gate, up, down;
};

// The router's choice: weights of the experts for every row.
ValueId route_node(DecoderBuilder& builder, ValueId x, const ExpertSettings& settings,
                   std::string_view router);
// Weighted sum of experts.
ValueId experts_node(DecoderBuilder& builder, ValueId x, ValueId weights, const ExpertsAttributes& experts);

// Both, with experts in tensors of these names.
ValueId routed_experts(DecoderBuilder& builder, ValueId x, const ExpertSettings& settings,
                       const ExpertNames& names);

}  // namespace burin::graph
