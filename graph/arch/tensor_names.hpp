// How model files spell the names of tensors. Architectures name tensors by GGUF's names ("attn_q"), which
// are the same for all of them; Hugging Face's differ from one to the next.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "graph/model_description.hpp"

namespace burin::graph {

// "attn_q" -> "self_attn.q_proj"; "layer" -> "model.layers.{}.", what stands before names within a layer.
struct TensorName {
  std::string_view gguf;
  std::string_view hugging_face;
};

class TensorNames {
 public:
  // Where `own` says nothing, Hugging Face names are LLaMA's, as most architectures since 2023 have them.
  // Some files are saved without the part before the first dot ("transformer.wte" as "wte"): that of the
  // embedding tells. `own` must live as long as this object.
  TensorNames(const ModelDescription& model, std::span<const TensorName> own);

  // Without ".weight" or ".bias".
  std::string global(std::string_view name) const;
  std::string in_layer(std::int64_t layer, std::string_view name) const;

 private:
  std::string_view spelled(std::string_view name) const;

  Origin origin_;
  std::span<const TensorName> own_;
  std::string left_out_;  // "transformer."
};

}  // namespace burin::graph
