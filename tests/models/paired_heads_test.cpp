// KV heads whose values fill blocks of 32 columns only in pairs, cached as int8: threads share out pairs.
#include <gtest/gtest.h>

#include "graph/plan.hpp"
#include "tests/support/gguf_writer.hpp"
#include "tests/support/load_model.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/tiny_llama.hpp"

namespace burin::runtime {
namespace {

// Three heads of 16 values: a pair, and one that is alone.
std::string write_model(const tests::TemporaryFolder& folder) {
  tests::TinyLlama shape;
  shape.hidden = 96;
  shape.layers = 2;
  shape.heads = 6;
  shape.kv_heads = 3;
  shape.context = 128;
  return tests::write_tiny_gguf(folder, shape);
}

TEST(PairedHeads, DecodeLikeAPrefillWithAnyNumberOfThreads) {
  const tests::TemporaryFolder folder;
  const std::string path = write_model(folder);
  const auto model = tests::load_model(path, {.kv = graph::KvType::int8, .threads = 1});
  ASSERT_EQ(model->plan().heads.heads_of_whole_blocks(), 2);
  ASSERT_LE(graph::barriers_per_layer(model->plan()), 5);
  const std::vector<TokenId> tokens = tests::made_tokens(40, model->vocabulary_size());
  const std::vector<float> alone = tests::last_logits(model, tokens, 9);
  const std::vector<float> prefill = tests::last_logits(model, tokens, 0);
  for (std::size_t i = 0; i < alone.size(); ++i) ASSERT_NEAR(alone[i], prefill[i], 3e-2) << "logit " << i;
  for (const int threads : {2, 3, 5})
    EXPECT_EQ(tests::last_logits(tests::load_model(path, {.kv = graph::KvType::int8, .threads = threads}),
                                 tokens, 9),
              alone)
        << threads << " threads";
}

}  // namespace
}  // namespace burin::runtime
