// LLaMA graphs from made-up descriptions: what is built, and what a wrong description is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "graph/arch/architectures.hpp"
#include "graph/passes/passes.hpp"
#include "tests/graph/made_llama.hpp"
#include "tests/support/error_text.hpp"

namespace burin::graph {
namespace {

using kernels::StoredType;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr Origin kOrigins[] = {Origin::gguf, Origin::hugging_face};

ModelDescription made(Origin origin, bool own_head = true) {
  MadeLlama shape;
  shape.origin = origin;
  shape.own_head = own_head;
  return describe(shape);
}

std::string error_of_build(const ModelDescription& model) {
  return tests::error_of([&] { build_decoder(model); });
}

std::string error_with(Origin origin, const json& changes) {
  ModelDescription model = made(origin);
  model.config.update(changes);
  return error_of_build(model);
}

// The weight of the node that makes the logits.
std::string head_of(const Decoder& decoder) {
  return decoder.graph.producer(decoder.graph.logits)->linear.parts[0].weight;
}

const Node& first(const Decoder& decoder, Op op) {
  return *std::find_if(decoder.graph.nodes.begin(), decoder.graph.nodes.end(),
                       [&](const Node& node) { return node.op == op; });
}

TEST(Llama, FactsAndShapes) {
  for (const Origin origin : kOrigins) {
    const Decoder decoder = build_decoder(made(origin));
    EXPECT_EQ(decoder.layers, 2);
    EXPECT_EQ(decoder.vocabulary, 100);
    EXPECT_EQ(decoder.context, 512);
    EXPECT_EQ(decoder.graph.values[static_cast<std::size_t>(decoder.graph.logits)].width, 100);
    EXPECT_EQ(decoder.graph.nodes.size(), 2u * 16 + 3);
    const AttentionAttributes& attention = first(decoder, Op::attention).attention;
    EXPECT_EQ(attention.query_heads, 4);
    EXPECT_EQ(attention.kv_heads, 2);
    EXPECT_EQ(attention.head_size, 16);
    EXPECT_FLOAT_EQ(attention.scale, 0.25f);
    const RopeAttributes& rope = first(decoder, Op::rope).rope;
    EXPECT_EQ(rope.style, origin == Origin::gguf ? RotaryStyle::interleaved : RotaryStyle::halves);
    EXPECT_EQ(rope.rotary, 16);
    EXPECT_EQ(rope.inverse_frequencies.size(), 8u);
    EXPECT_TRUE(rope.factors.empty());
    EXPECT_FLOAT_EQ(first(decoder, Op::norm).norm.epsilon, 1e-5f);
    EXPECT_TRUE(decoder.graph.producer(decoder.graph.logits)->linear.last_row_only);
  }
}

TEST(Llama, EveryPassFusesEveryPlaceItLooksAt) {
  for (const Origin origin : kOrigins) {
    Decoder decoder = build_decoder(made(origin));
    const Trace trace = run_passes(decoder.graph);
    EXPECT_EQ(trace.size(),
              2u * 6 + 1);  // product, attention, two norms and two sums per layer; the last norm
    for (const TraceLine& line : trace) EXPECT_TRUE(line.applied) << line.node << ": " << line.reason;
    EXPECT_EQ(decoder.graph.nodes.size(), 2u * 5 + 2);
  }
}

TEST(Llama, HeadsOfTheirOwnAndTiedOnes) {
  EXPECT_EQ(head_of(build_decoder(made(Origin::gguf, true))), "output.weight");
  EXPECT_EQ(head_of(build_decoder(made(Origin::gguf, false))), "token_embd.weight");
  EXPECT_EQ(head_of(build_decoder(made(Origin::hugging_face, true))), "lm_head.weight");
  EXPECT_EQ(head_of(build_decoder(made(Origin::hugging_face, false))), "model.embed_tokens.weight");
  // Hugging Face: the flag decides, whatever tensors there are, and without it the head is its own.
  ModelDescription both = made(Origin::hugging_face);
  both.config["tie_word_embeddings"] = true;
  EXPECT_EQ(head_of(build_decoder(both)), "model.embed_tokens.weight");
  both.config.erase("tie_word_embeddings");
  EXPECT_EQ(head_of(build_decoder(both)), "lm_head.weight");
}

TEST(Llama, EveryTensorIsMissed) {
  for (const Origin origin : kOrigins) {
    const ModelDescription whole = made(origin);
    for (const TensorDescription& tensor : whole.tensors) {
      if (tensor.name == "output.weight") continue;  // GGUF: a tied head
      ModelDescription model = whole;
      remove_tensor(model, tensor.name);
      EXPECT_THAT(error_of_build(model),
                  AllOf(StartsWith(whole.path), HasSubstr("tensor " + tensor.name + " is missing")));
    }
  }
}

TEST(Llama, EveryWrongShapeIsNamed) {
  for (const Origin origin : kOrigins) {
    const ModelDescription whole = made(origin);
    for (const TensorDescription& tensor : whole.tensors) {
      std::vector<std::vector<std::int64_t>> wrong = {{}, {1, 2, 3}};
      // One more input; and transposed, which for square matrices nobody can tell.
      wrong.push_back(tensor.shape);
      ++wrong.back().back();
      if (tensor.shape.front() != tensor.shape.back()) {
        wrong.push_back(tensor.shape);
        std::reverse(wrong.back().begin(), wrong.back().end());
      }
      for (const std::vector<std::int64_t>& shape : wrong) {
        ModelDescription model = whole;
        set_tensor(model, tensor.name, *tensor.type, shape);
        EXPECT_THAT(
            error_of_build(model),
            AllOf(StartsWith(whole.path), HasSubstr("tensor " + tensor.name + " has"), HasSubstr("shape")));
      }
    }
  }
  ModelDescription model = made(Origin::gguf);
  set_tensor(model, "blk.1.attn_k.weight", StoredType::f16, {64, 64});
  EXPECT_THAT(error_of_build(model),
              HasSubstr("blk.1.attn_k.weight has shape [64, 64]: the configuration asks for [32, 64]"));
}

TEST(Llama, TypesThatCannotBePackedAreNamed) {
  ModelDescription model = made(Origin::gguf);
  TensorDescription& tensor = model.tensors[static_cast<std::size_t>(model.find("blk.0.ffn_up.weight"))];
  tensor.type.reset();
  tensor.type_name = "IQ4_XS";
  EXPECT_THAT(error_of_build(model), AllOf(HasSubstr("blk.0.ffn_up.weight has type IQ4_XS"),
                                           HasSubstr("not supported"), HasSubstr("Q8_0")));
}

TEST(Llama, BiasesAreTakenWhereThereAreSome) {
  ModelDescription model = made(Origin::hugging_face);
  set_tensor(model, "model.layers.1.self_attn.k_proj.bias", StoredType::f32, {32});
  const Decoder decoder = build_decoder(model);
  std::vector<std::string> biases;
  for (const Node& node : decoder.graph.nodes)
    for (const LinearPart& part : node.linear.parts)
      if (!part.bias.empty()) biases.push_back(part.bias);
  EXPECT_THAT(biases, testing::ElementsAre("model.layers.1.self_attn.k_proj.bias"));
  set_tensor(model, "model.layers.1.self_attn.k_proj.bias", StoredType::f32, {31});
  EXPECT_THAT(error_of_build(model),
              HasSubstr("k_proj.bias has shape [31]: the configuration asks for [32]"));
}

TEST(Llama, GgufFactorsOfFrequencies) {
  ModelDescription model = made(Origin::gguf);
  set_tensor(model, "rope_freqs.weight", StoredType::f32, {8});
  EXPECT_EQ(first(build_decoder(model), Op::rope).rope.factors, "rope_freqs.weight");
  set_tensor(model, "rope_freqs.weight", StoredType::f32, {16});
  EXPECT_THAT(error_of_build(model), HasSubstr("rope_freqs.weight has shape [16]"));
}

TEST(Llama, PartialRotationAndHeadSizeOfGguf) {
  ModelDescription model = made(Origin::gguf);
  model.config["llama.rope.dimension_count"] = 8;
  EXPECT_EQ(first(build_decoder(model), Op::rope).rope.inverse_frequencies.size(), 4u);
  model.config["llama.attention.key_length"] = 32;  // Q, K and V would be wider
  EXPECT_THAT(error_of_build(model),
              HasSubstr("attn_q.weight has shape [64, 64]: the configuration asks for [128, 64]"));
}

TEST(Llama, OptionalSettingsHaveDefaults) {
  MadeLlama shape;
  shape.kv_heads = shape.heads;
  for (const Origin origin : kOrigins) {
    shape.origin = origin;
    ModelDescription model = describe(shape);
    for (const char* key : {"llama.attention.head_count_kv", "llama.context_length", "num_key_value_heads",
                            "max_position_embeddings", "rms_norm_eps"})
      model.config.erase(key);
    const Decoder decoder = build_decoder(model);
    EXPECT_EQ(first(decoder, Op::attention).attention.kv_heads, 4);
    EXPECT_EQ(decoder.context, 2048);
  }
}

TEST(Llama, BadSettingsOfGgufAreNamed) {
  const std::vector<std::pair<json, std::string>> cases = {
      {{{"llama.embedding_length", nullptr}}, "llama.embedding_length is missing: must be a whole number"},
      {{{"llama.embedding_length", 0}}, "llama.embedding_length is 0"},
      {{{"llama.embedding_length", "64"}}, "llama.embedding_length is \"64\""},
      {{{"llama.embedding_length", 64.0}}, "llama.embedding_length is 64.0"},
      {{{"llama.feed_forward_length", -1}}, "llama.feed_forward_length is -1"},
      {{{"llama.feed_forward_length", {96, 96}}}, "llama.feed_forward_length is [96,96]"},
      {{{"llama.block_count", 18446744073709551615u}}, "llama.block_count is 18446744073709551615"},
      {{{"llama.block_count", 1 << 20}}, "llama.block_count is 1048576"},
      {{{"llama.attention.head_count", 0}}, "llama.attention.head_count is 0"},
      {{{"llama.attention.head_count_kv", 8}}, "llama.attention.head_count_kv is 8"},
      {{{"llama.attention.head_count_kv", 3}}, "4 attention heads and 3 KV heads"},
      {{{"llama.attention.value_length", 8}}, "llama.attention.value_length is 8: not supported yet"},
      {{{"llama.attention.key_length", 15},
        {"llama.attention.value_length", 15},
        {"llama.rope.dimension_count", 14}},
       "head size is 15: must be even"},
      {{{"llama.rope.dimension_count", 7}}, "llama.rope.dimension_count is 7: must be even"},
      {{{"llama.rope.dimension_count", 18}}, "llama.rope.dimension_count is 18"},
      {{{"llama.expert_count", 8}}, "llama.expert_count is 8: mixtures of experts are not supported yet"},
      {{{"llama.context_length", 0}}, "llama.context_length is 0"},
      {{{"llama.attention.layer_norm_rms_epsilon", nullptr}},
       "llama.attention.layer_norm_rms_epsilon is missing"},
      {{{"llama.attention.layer_norm_rms_epsilon", -1e-5}},
       "llama.attention.layer_norm_rms_epsilon is -1e-05"},
      {{{"llama.rope.scaling.type", "yarn"}}, "llama.rope.scaling.type is \"yarn\": not supported yet"},
  };
  for (const auto& [changes, words] : cases)
    EXPECT_THAT(error_with(Origin::gguf, changes), AllOf(StartsWith("made.gguf: "), HasSubstr(words)));
}

TEST(Llama, BadSettingsOfHuggingFaceAreNamed) {
  const std::vector<std::pair<json, std::string>> cases = {
      {{{"hidden_size", nullptr}}, "hidden_size is missing"},
      {{{"intermediate_size", 1 << 24}}, "intermediate_size is 16777216"},
      {{{"num_hidden_layers", 0}}, "num_hidden_layers is 0"},
      {{{"num_attention_heads", true}}, "num_attention_heads is true"},
      {{{"num_key_value_heads", 5}}, "num_key_value_heads is 5"},
      {{{"num_key_value_heads", 3}}, "4 attention heads and 3 KV heads"},
      {{{"head_dim", 15}}, "head size is 15: must be even"},
      {{{"max_position_embeddings", -5}}, "max_position_embeddings is -5"},
      {{{"rms_norm_eps", 2}}, "rms_norm_eps is 2"},
      {{{"hidden_act", "gelu"}}, "hidden_act is \"gelu\": not supported"},
      {{{"tie_word_embeddings", "no"}}, "tie_word_embeddings is \"no\": must be true or false"},
      {{{"rope_scaling", {{"type", "dynamic"}}}}, "rope_scaling.type is \"dynamic\": not supported yet"},
  };
  for (const auto& [changes, words] : cases)
    EXPECT_THAT(error_with(Origin::hugging_face, changes),
                AllOf(StartsWith("made-folder: "), HasSubstr(words)));
}

// More heads than hidden values make heads of nothing; a file may even have the tensors for it.
TEST(Llama, HeadsOfNothingAreRefused) {
  for (const Origin origin : kOrigins) {
    MadeLlama shape;
    shape.origin = origin;
    shape.hidden = 4;
    shape.heads = shape.kv_heads = 8;
    EXPECT_THAT(error_of_build(describe(shape)), HasSubstr("head size is 0"));
  }
}

TEST(Llama, OtherArchitecturesAreToldWhatWorks) {
  ModelDescription gguf = made(Origin::gguf);
  gguf.architecture = "mamba";
  EXPECT_THAT(error_of_build(gguf), AllOf(HasSubstr("architecture is 'mamba'"), HasSubstr("llama works")));
  ModelDescription folder = made(Origin::hugging_face);
  folder.architecture = "llama";  // the other origin's spelling
  EXPECT_THAT(error_of_build(folder),
              AllOf(HasSubstr("architecture is 'llama'"), HasSubstr("LlamaForCausalLM works")));
}

}  // namespace
}  // namespace burin::graph
