// More threads than CPUs: some are always late, and others compute their blocks. What is computed stays the same.
#include <gtest/gtest.h>

#include "tests/support/gguf_writer.hpp"
#include "tests/support/load_model.hpp"
#include "tests/support/sanitized.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::runtime {
namespace {

std::string write_model(const tests::TemporaryFolder& folder) {
  tests::TinyLlama shape;
  shape.hidden = 256;
  shape.heads = 4;
  shape.kv_heads = 4;
  shape.feed_forward = 1024;
  shape.layers = 2;
  shape.context = 256;
  return tests::write_tiny_gguf(folder, shape);
}

class LateThreads : public testing::TestWithParam<graph::ComputeType> {};

TEST_P(LateThreads, MakeNoDifference) {
  const tests::TemporaryFolder folder;
  const std::string path = write_model(folder);
  const auto with_threads = [&](int threads) {
    return tests::load_model(
        path, {.compute = GetParam(), .threads = threads, .context = 256, .weights = "int8s.g32.f16"});
  };
  const auto alone = with_threads(1);
  const std::vector<TokenId> tokens = tests::made_tokens(200, alone->vocabulary_size());
  const std::vector<float> expected = tests::all_logits(alone, tokens);
  for (const int threads : {2, 3, 8}) {
    const auto together = with_threads(threads);
    for (int i = 0; i < (tests::kSanitized ? 3 : 20); ++i)
      ASSERT_EQ(tests::all_logits(together, tokens), expected) << threads << " threads, run " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(ComputeTypes, LateThreads,
                         testing::Values(graph::ComputeType::int8, graph::ComputeType::f32),
                         [](const auto& test) { return graph::to_text(test.param); });

}  // namespace
}  // namespace burin::runtime
