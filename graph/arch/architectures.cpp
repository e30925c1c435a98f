#include "graph/arch/architectures.hpp"

#include <algorithm>
#include <string>

#include "graph/arch/builders.hpp"
#include "jit/error.hpp"

namespace burin::graph {
namespace {

struct ArchitectureRow {
  std::string_view gguf;  // general.architecture; empty: another row has it, or there are no such files
  std::string_view hugging_face;  // in config.json's "architectures"
  DecoderBuildFunction* build;
};

constexpr ArchitectureRow kArchitectures[] = {
    {"llama", "LlamaForCausalLM", build_llama},
    {"", "MistralForCausalLM", build_mistral},
    {"", "MixtralForCausalLM", build_mixtral},
    {"qwen", "QWenLMHeadModel", build_qwen1},
    {"qwen2", "Qwen2ForCausalLM", build_qwen2},
    {"qwen3", "Qwen3ForCausalLM", build_qwen3},
    {"qwen3moe", "Qwen3MoeForCausalLM", build_qwen3_moe},
    {"gemma", "GemmaForCausalLM", build_gemma},
    {"gemma2", "Gemma2ForCausalLM", build_gemma2},
    {"gemma3", "Gemma3ForCausalLM", build_gemma3},
    {"phi2", "PhiForCausalLM", build_phi2},
    {"phi3", "Phi3ForCausalLM", build_phi3},
    {"gpt2", "GPT2LMHeadModel", build_gpt2},
    {"", "GPTJForCausalLM", build_gptj},
    {"gptneox", "GPTNeoXForCausalLM", build_gptneox},
    {"stablelm", "StableLmForCausalLM", build_stablelm},
    {"falcon", "FalconForCausalLM", build_falcon},
    {"", "RWForCausalLM", build_falcon},
    {"bloom", "BloomForCausalLM", build_bloom},
    {"mpt", "MPTForCausalLM", build_mpt},
    {"", "MptForCausalLM", build_mpt},
    {"", "OPTForCausalLM", build_opt},
    {"olmo2", "Olmo2ForCausalLM", build_olmo2},
    {"granite", "GraniteForCausalLM", build_granite},
    {"command-r", "CohereForCausalLM", build_cohere},
    {"starcoder", "GPTBigCodeForCausalLM", build_starcoder},
    {"starcoder2", "Starcoder2ForCausalLM", build_starcoder2},
    {"chatglm", "ChatGLMModel", build_chatglm},
    {"", "ChatGLMForConditionalGeneration", build_chatglm},
    {"", "GlmForCausalLM", build_glm},
    {"glm4", "Glm4ForCausalLM", build_glm4},
    {"baichuan", "BaichuanForCausalLM", build_baichuan},
    {"", "BaiChuanForCausalLM", build_baichuan},
    {"smollm3", "SmolLM3ForCausalLM", build_smollm3},
    {"gpt-oss", "GptOssForCausalLM", build_gpt_oss},
    {"deepseek2", "DeepseekV2ForCausalLM", build_deepseek2},
};

constexpr std::size_t kLeastCommon = 3;  // characters that make names near to each other

std::string_view name_in(const ArchitectureRow& row, Origin origin) {
  return origin == Origin::gguf ? row.gguf : row.hugging_face;
}

std::size_t common_beginning(std::string_view a, std::string_view b) {
  const auto end = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<std::size_t>(end.first - a.begin());
}

// Architectures name tensors; in which order these have their inputs is the file's affair.
void set_orders(Graph& graph, const ModelDescription& model) {
  const auto set = [&](LinearPart& part) {
    if (const std::ptrdiff_t tensor = model.find(part.weight); tensor >= 0)
      part.order = model.tensors[static_cast<std::size_t>(tensor)].order;
  };
  if (model.orders.empty()) return;
  for (Node& node : graph.nodes) {
    for (LinearPart& part : node.linear.parts) set(part);
    for (Expert& expert : node.experts.experts)
      for (LinearPart* part : {&expert.gate, &expert.up, &expert.down}) set(*part);
  }
}

}  // namespace

Decoder build_decoder(const ModelDescription& model) {
  const ArchitectureRow* nearest = nullptr;
  std::size_t most = kLeastCommon;
  for (const ArchitectureRow& row : kArchitectures) {
    const std::string_view name = name_in(row, model.origin);
    if (name.empty()) continue;
    if (name == model.architecture) {
      Decoder decoder = row.build(model);
      set_orders(decoder.graph, model);
      validate(decoder.graph);
      return decoder;
    }
    const std::size_t common = common_beginning(name, model.architecture);
    if (nearest != nullptr && common <= most) continue;
    nearest = &row;
    most = std::max(most, common);
  }
  fail("{}: architecture is '{}': not supported yet: the nearest one that is: {}", model.path,
       printable(model.architecture), name_in(*nearest, model.origin));
}

}  // namespace burin::graph
