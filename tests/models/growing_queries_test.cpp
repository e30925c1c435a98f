// Qwen 1 beyond its training length: queries grow by the logarithm of how many tokens they see. Against the oracle, which
// does not rotate by a sequence's length: the model's other means to get further is switched off.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "graph/arch/architectures.hpp"
#include "graph/plan.hpp"
#include "tests/oracle/model_tensors.hpp"
#include "tests/support/load_model.hpp"
#include "tests/support/reference_data.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::runtime {
namespace {

constexpr std::int64_t kTrained = 256;
constexpr std::size_t kTokens = 330;

// The model without dynamic NTK.
std::string write_model(const tests::TemporaryFolder& folder) {
  for (const char* name : {"model.safetensors", "tokenizer.json", "tokenizer_config.json"})
    folder.write(name, tests::read_bytes(tests::reference_path(std::string("arch/qwen1/") + name)));
  nlohmann::json config = tests::read_json(tests::reference_path("arch/qwen1/config.json"));
  config["use_dynamic_ntk"] = false;
  config["max_position_embeddings"] = 1024;
  folder.write("config.json", config.dump());
  return folder.path();
}

std::vector<TokenId> some_tokens() {
  std::vector<TokenId> tokens;
  for (std::size_t i = 0; i < kTokens; ++i) tokens.push_back(static_cast<TokenId>((i * 37 + i * i) % 250));
  return tokens;
}

TEST(GrowingQueries, AgreeWithTheOracleBeyondTheTrainedLength) {
  BURIN_NEEDS_REFERENCE("arch/qwen1");
  const tests::TemporaryFolder folder;
  const std::string path = write_model(folder);
  const std::vector<TokenId> tokens = some_tokens();
  const auto file = ModelFile::open(path);
  const graph::Decoder decoder = graph::build_decoder(file->description());
  const std::vector<double> expected = tests::oracle_logits(*file, decoder.graph, tokens);
  const auto model =
      tests::load_model(path, {.compute = graph::ComputeType::f32, .kv = graph::KvType::f32, .context = 512});
  ASSERT_EQ(model->plan().log_context, kTrained);
  const auto vocabulary = static_cast<std::size_t>(model->vocabulary_size());
  ASSERT_EQ(expected.size(), kTokens * vocabulary);

  Session session(model);
  std::size_t row = 0;
  const std::function<void(std::span<const float>)> compare = [&](std::span<const float> logits) {
    for (std::size_t i = 0; i < vocabulary; ++i)
      ASSERT_NEAR(static_cast<double>(logits[i]), expected[row * vocabulary + i], 1e-3) << "position " << row;
    ++row;
  };
  const std::span<const TokenId> all = tokens;
  session.evaluate(all.first(kTokens - 20), LogitsWanted::all, &compare);
  for (std::size_t i = kTokens - 20; i < kTokens; ++i)
    session.evaluate(all.subspan(i, 1), LogitsWanted::all, &compare);
  EXPECT_EQ(row, kTokens);
}

// Within what it was trained with, the kernel is the plain one.
TEST(GrowingQueries, CostNothingWithinTheTrainedLength) {
  BURIN_NEEDS_REFERENCE("arch/qwen1");
  const tests::TemporaryFolder folder;
  const auto model = tests::load_model(write_model(folder), {.context = kTrained});
  EXPECT_EQ(model->plan().log_context, 0);
  for (const graph::Step& step : model->plan().decode) {
    if (const auto* attention = std::get_if<kernels::AttentionSpec>(&step.spec)) {
      EXPECT_FALSE(attention->factors);
    }
  }
}

}  // namespace
}  // namespace burin::runtime
