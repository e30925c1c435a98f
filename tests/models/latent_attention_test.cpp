// DeepSeek-V2's attention with feed-forwards that are all dense, against its graph in doubles: with and without a
// latent row of the queries, sizes that fill blocks and that do not, YaRN's magnitude, every target and cache.
#include <gtest/gtest.h>

#include "graph/arch/architectures.hpp"
#include "graph/plan.hpp"
#include "tests/oracle/model_tensors.hpp"
#include "tests/support/host_targets.hpp"
#include "tests/support/load_model.hpp"
#include "tests/support/safetensors_writer.hpp"

namespace burin::runtime {
namespace {

using graph::ComputeType;
using graph::KvType;
using nlohmann::json;
using tests::load_model;
using tests::ModelSettings;

struct LatentModel {
  const char* name;
  int heads = 4;
  int plain = 32;
  int rotated = 16;
  int value = 32;
  int latent = 64;
  int query_latent = 0;
  bool yarn = false;
  kernels::StoredType matrices = kernels::StoredType::f32;
};

void PrintTo(const LatentModel& model, std::ostream* out) { *out << model.name; }

constexpr int kHidden = 64;
constexpr int kFeedForward = 96;
constexpr int kLayers = 2;
constexpr int kTokens = 150;

json config_of(const LatentModel& model) {
  json config = {{"architectures", {"DeepseekV2ForCausalLM"}},
                 {"model_type", "deepseek_v2"},
                 {"hidden_size", kHidden},
                 {"intermediate_size", kFeedForward},
                 {"moe_intermediate_size", kFeedForward},
                 {"num_hidden_layers", kLayers},
                 {"first_k_dense_replace", kLayers},
                 {"n_routed_experts", 4},
                 {"num_experts_per_tok", 2},
                 {"num_attention_heads", model.heads},
                 {"num_key_value_heads", model.heads},
                 {"kv_lora_rank", model.latent},
                 {"q_lora_rank", nullptr},
                 {"qk_nope_head_dim", model.plain},
                 {"qk_rope_head_dim", model.rotated},
                 {"v_head_dim", model.value},
                 {"max_position_embeddings", 512},
                 {"rms_norm_eps", 1e-6},
                 {"rope_theta", 10000},
                 {"hidden_act", "silu"},
                 {"tie_word_embeddings", false},
                 {"vocab_size", tests::kTinyJsonVocabulary},
                 {"bos_token_id", tests::kTinyBos},
                 {"eos_token_id", tests::kTinyEos}};
  if (model.query_latent > 0) config["q_lora_rank"] = model.query_latent;
  if (model.yarn)
    config["rope_scaling"] = {{"type", "yarn"},
                              {"factor", 8},
                              {"beta_fast", 32},
                              {"beta_slow", 1},
                              {"mscale", 1.0},
                              {"mscale_all_dim", 0.7},
                              {"original_max_position_embeddings", 64}};
  return config;
}

class TensorWriter {
 public:
  explicit TensorWriter(const LatentModel& model) : model_(model) {
    matrix("model.embed_tokens", tests::kTinyJsonVocabulary, kHidden);
    for (int layer = 0; layer < kLayers; ++layer) add_layer(fmt::format("model.layers.{}.", layer));
    norm("model.norm", kHidden);
    matrix("lm_head", tests::kTinyJsonVocabulary, kHidden);
  }

  std::string bytes() const { return writer_.bytes(); }

 private:
  void add_layer(const std::string& layer) {
    const int query = model_.heads * (model_.plain + model_.rotated);
    norm(layer + "input_layernorm", kHidden);
    if (model_.query_latent > 0) {
      matrix(layer + "self_attn.q_a_proj", model_.query_latent, kHidden);
      norm(layer + "self_attn.q_a_layernorm", model_.query_latent);
      matrix(layer + "self_attn.q_b_proj", query, model_.query_latent);
    } else {
      matrix(layer + "self_attn.q_proj", query, kHidden);
    }
    matrix(layer + "self_attn.kv_a_proj_with_mqa", model_.latent + model_.rotated, kHidden);
    norm(layer + "self_attn.kv_a_layernorm", model_.latent);
    matrix(layer + "self_attn.kv_b_proj", model_.heads * (model_.plain + model_.value), model_.latent);
    matrix(layer + "self_attn.o_proj", kHidden, model_.heads * model_.value);
    norm(layer + "post_attention_layernorm", kHidden);
    matrix(layer + "mlp.gate_proj", kFeedForward, kHidden);
    matrix(layer + "mlp.up_proj", kFeedForward, kHidden);
    matrix(layer + "mlp.down_proj", kHidden, kFeedForward);
  }

  void matrix(const std::string& name, std::int64_t rows, std::int64_t inputs) {
    const float size = 1.6f / std::sqrt(static_cast<float>(inputs));
    writer_.add_floats(name + ".weight", model_.matrices, {rows, inputs},
                       random_.values(static_cast<std::size_t>(rows * inputs), size));
  }
  void norm(const std::string& name, std::int64_t width) {
    std::vector<float> weights = random_.values(static_cast<std::size_t>(width), 0.3f);
    for (float& weight : weights) weight += 1;
    writer_.add_floats(name + ".weight", kernels::StoredType::f32, {width}, weights);
  }

  const LatentModel& model_;
  tests::RandomValues random_{7};
  tests::SafetensorsWriter writer_;
};

class LatentAttention : public testing::TestWithParam<LatentModel> {
 protected:
  LatentAttention() {
    folder_.write("config.json", config_of(GetParam()).dump(2));
    folder_.write("tokenizer.json", tests::tiny_tokenizer_json().dump());
    folder_.write("model.safetensors", TensorWriter(GetParam()).bytes());
    for (int i = 0; i < kTokens; ++i)
      tokens_.push_back(static_cast<TokenId>((i * 37 + i * i * 11) % tests::kTinyJsonVocabulary));
  }

  std::string path() const { return folder_.path().string(); }

  std::vector<double> expected() const {
    const auto file = ModelFile::open(path());
    return tests::oracle_logits(*file, graph::build_decoder(file->description()).graph, tokens_);
  }

  std::vector<float> logits(const ModelSettings& settings) const {
    return tests::all_logits(load_model(path(), settings), tokens_);
  }

  static double largest(const std::vector<double>& values) {
    double result = 0;
    for (const double value : values) result = std::max(result, std::fabs(value));
    return result;
  }

  static void expect_near(const std::vector<float>& logits, const std::vector<double>& wanted, double error) {
    const double tolerance = error * largest(wanted);
    ASSERT_EQ(logits.size(), wanted.size());
    ASSERT_GT(largest(wanted), 0.5);
    for (std::size_t i = 0; i < wanted.size(); ++i)
      ASSERT_NEAR(static_cast<double>(logits[i]), wanted[i], tolerance)
          << "position " << i / tests::kTinyJsonVocabulary << " logit " << i % tests::kTinyJsonVocabulary;
  }

  tests::TemporaryFolder folder_;
  std::vector<TokenId> tokens_;
};

TEST_P(LatentAttention, EveryLogitOnEveryTarget) {
  const std::vector<double> wanted = expected();
  for (const jit::Target& target : tests::host_targets()) {
    SCOPED_TRACE(target.name);
    expect_near(logits({.target = target.name}), wanted, 1e-4);
    // A cached value has 8 significant bits.
    expect_near(logits({.kv = KvType::bf16, .target = target.name}), wanted, 2e-2);
  }
}

// The same bits, however a prompt is cut and shared out.
TEST_P(LatentAttention, ChunksThreadsAndDecodingChangeNothing) {
  for (const KvType kv : {KvType::f32, KvType::bf16}) {
    const std::vector<float> whole = logits({.kv = kv});
    for (const std::int64_t chunk : {1, 7, 64}) EXPECT_EQ(logits({.kv = kv, .chunk = chunk}), whole) << chunk;
    for (const int threads : {1, 3, 5}) {
      EXPECT_EQ(logits({.kv = kv, .threads = threads}), whole) << threads;
      EXPECT_EQ(logits({.kv = kv, .threads = threads, .chunk = 1}), whole) << threads;
    }
  }
}

// bf16 dot products where the CPU has them, matrices of integers.
TEST_P(LatentAttention, IntegerWeightsAreClose) {
  const std::vector<double> wanted = expected();
  for (const ComputeType compute : {ComputeType::f32, ComputeType::int8})
    expect_near(logits({.compute = compute, .kv = KvType::bf16, .weights = "int8s.g32.f16"}), wanted, 6e-2);
}

// What a position takes, of one head only.
TEST_P(LatentAttention, TheCacheHoldsOneRowForAllHeads) {
  const auto model = load_model(path(), {.kv = KvType::bf16});
  const kernels::HeadLayout& heads = model->plan().heads;
  const auto padded = [](int size) { return (size + 31) / 32 * 32; };
  EXPECT_EQ(heads.kv_heads, 1);
  EXPECT_EQ(heads.head_size, padded(GetParam().latent) + padded(GetParam().rotated));
  EXPECT_EQ(heads.value_size, padded(GetParam().latent));
  EXPECT_EQ(heads.kv_block_bytes(), 64 * 2 * (heads.head_size + heads.value_size));
  EXPECT_EQ(graph::barriers_per_layer(model->plan()), 5);
}

constexpr LatentModel kModels[] = {
    {.name = "plain"},
    {.name = "query_latent", .query_latent = 96},
    {.name = "yarn", .query_latent = 64, .yarn = true},
    {.name = "odd_sizes", .heads = 3, .plain = 20, .rotated = 10, .latent = 50, .query_latent = 42},
    {.name = "wide", .heads = 2, .plain = 128, .rotated = 64, .value = 128, .latent = 512},
    {.name = "many_heads", .heads = 52, .plain = 8, .rotated = 4, .latent = 32},
    {.name = "bf16_weights", .matrices = kernels::StoredType::bf16},
};

INSTANTIATE_TEST_SUITE_P(Models, LatentAttention, testing::ValuesIn(kModels),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace burin::runtime
