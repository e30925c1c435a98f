// What llama.cpp's converter makes of Hugging Face's tensor names.
#pragma once

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace burin::tests {

// A part of a name and what replaces it.
using TensorNamePairs = std::vector<std::pair<std::string, std::string>>;

// LLaMA's names, and `own` before them.
inline std::string gguf_name(std::string name, TensorNamePairs own) {
  const std::pair<std::string, std::string> llama[] = {{"model.embed_tokens", "token_embd"},
                                                       {"model.norm", "output_norm"},
                                                       {"lm_head", "output"},
                                                       {"model.layers", "blk"},
                                                       {"input_layernorm", "attn_norm"},
                                                       {"post_attention_layernorm", "ffn_norm"},
                                                       {"self_attn.q_proj", "attn_q"},
                                                       {"self_attn.k_proj", "attn_k"},
                                                       {"self_attn.v_proj", "attn_v"},
                                                       {"self_attn.o_proj", "attn_output"},
                                                       {"mlp.gate_proj", "ffn_gate"},
                                                       {"mlp.up_proj", "ffn_up"},
                                                       {"mlp.down_proj", "ffn_down"}};
  own.insert(own.end(), std::begin(llama), std::end(llama));
  for (const auto& [from, to] : own)
    if (const std::size_t at = name.find(from); at != std::string::npos) name.replace(at, from.size(), to);
  return name;
}

}  // namespace burin::tests
