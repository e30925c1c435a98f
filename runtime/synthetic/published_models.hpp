// The table of published models.
#pragma once

#include <array>
#include <span>
#include <string_view>

namespace burin::runtime {

// Last parts of tensors' names; those that are not needed are empty. Constant, so that programs that use no published model have none.
using TensorNameEnds = std::array<std::string_view, 9>;

struct PublishedModel {
  std::string_view name;
  std::string_view architecture;  // as config.json names it, or GGUF
  // Of config.json (GGUF: metadata without the architecture before it), as far as anything reads it.
  std::string_view config;
  TensorNameEnds biases = {};  // of tensors that have one
  std::string_view embedding = "model.embed_tokens";
  std::string_view second_norm = {};  // of each layer, where models of the architecture need not have one
  bool mxfp4_experts = false;         // as gpt-oss has them

  bool gguf() const { return embedding == "token_embd"; }
};

std::span<const PublishedModel> published_models();

}  // namespace burin::runtime
