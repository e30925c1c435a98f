// The builders of all architectures; each is defined in the file of its name.
#pragma once

#include "graph/arch/architectures.hpp"

namespace burin::graph {

using DecoderBuildFunction = Decoder(const ModelDescription&);

DecoderBuildFunction build_baichuan, build_bloom, build_chatglm, build_cohere, build_deepseek2, build_falcon,
    build_gemma, build_gemma2, build_gemma3, build_glm, build_glm4, build_gpt2, build_gpt_oss, build_gptj,
    build_gptneox, build_granite, build_llama, build_mistral, build_mixtral, build_mpt, build_olmo2,
    build_opt, build_phi2, build_phi3, build_qwen1, build_qwen2, build_qwen3, build_qwen3_moe, build_smollm3,
    build_stablelm, build_starcoder, build_starcoder2;

}  // namespace burin::graph
