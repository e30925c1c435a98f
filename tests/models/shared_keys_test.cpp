// Decoding behind so many positions that threads share out the keys of one head.
#include <gtest/gtest.h>

#include <algorithm>

#include "graph/plan.hpp"
#include "tests/support/gguf_writer.hpp"
#include "tests/support/load_model.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/tiny_llama.hpp"

namespace burin::runtime {
namespace {

constexpr std::int64_t kContext = 2400;
constexpr std::int64_t kPrompt = 2100;  // in three parts

// Six query heads on one KV head.
std::string write_model(const tests::TemporaryFolder& folder) {
  tests::TinyLlama shape;
  shape.hidden = 96;
  shape.layers = 2;
  shape.heads = 6;
  shape.kv_heads = 1;
  shape.context = kContext;
  return tests::write_tiny_gguf(folder, shape);
}

TEST(SharedKeys, AreAsGoodAsAPrefillWithAnyNumberOfThreads) {
  const tests::TemporaryFolder folder;
  const std::string path = write_model(folder);
  for (const graph::KvType kv : {graph::KvType::f32, graph::KvType::bf16, graph::KvType::int8}) {
    const auto model = tests::load_model(path, {.kv = kv, .threads = 1});
    const std::vector<TokenId> tokens = tests::made_tokens(kPrompt, model->vocabulary_size());
    const std::vector<float> alone = tests::last_logits(model, tokens, 3);
    const std::vector<float> prefill = tests::last_logits(model, tokens, 0);
    const double tolerance = kv == graph::KvType::f32 ? 1e-4 : kv == graph::KvType::bf16 ? 1e-2 : 3e-2;
    for (std::size_t i = 0; i < alone.size(); ++i)
      ASSERT_NEAR(alone[i], prefill[i], tolerance) << "logit " << i;
    for (const int threads : {2, 3, 5})
      EXPECT_EQ(tests::last_logits(tests::load_model(path, {.kv = kv, .threads = threads}), tokens, 3), alone)
          << threads << " threads";
  }
}

TEST(SharedKeys, OnlyWhereHeadsAreFewAndSequencesLong) {
  const tests::TemporaryFolder folder;
  const std::string path = write_model(folder);
  const auto part_keys = [&](std::int64_t context) {
    const auto model = tests::load_model(path, {.context = context});
    const graph::Program& steps = model->plan().decode;
    const auto attention = std::find_if(steps.begin(), steps.end(), [](const graph::Step& step) {
      return std::holds_alternative<kernels::AttentionSpec>(step.spec);
    });
    EXPECT_EQ(std::get<kernels::AttentionSpec>(attention->spec).parts, attention->part_keys > 0);
    return attention->part_keys;
  };
  EXPECT_EQ(part_keys(1024), 0);
  EXPECT_EQ(part_keys(1025), 1024);
  EXPECT_EQ(part_keys(2400), 1024);
}

}  // namespace
}  // namespace burin::runtime
