// Rows sorted by experts, and what their steps make of it with any number of threads and any chunk.
#include "runtime/expert_rows.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "tests/support/load_model.hpp"
#include "tests/support/random_values.hpp"
#include "tests/support/reference_data.hpp"

namespace burin::runtime {
namespace {

struct MadeRoutes {
  std::vector<std::vector<std::int32_t>> experts;  // by row, ascending
  std::vector<float> memory;
  Routes routes;

  MadeRoutes(std::vector<std::vector<std::int32_t>> chosen, std::int64_t gap) : experts(std::move(chosen)) {
    routes.used = static_cast<std::int64_t>(experts.front().size());
    routes.stride = 2 * routes.used + gap;
    memory.resize(experts.size() * static_cast<std::size_t>(routes.stride));
    for (std::size_t row = 0; row < experts.size(); ++row)
      for (std::size_t i = 0; i < experts[row].size(); ++i) {
        float* place = memory.data() + row * static_cast<std::size_t>(routes.stride) + i;
        std::memcpy(place, &experts[row][i], sizeof(float));
        place[routes.used] = static_cast<float>(row * 100) + static_cast<float>(experts[row][i]);
      }
    routes.first = memory.data();
  }
};

void check(const MadeRoutes& made, ExpertRows& rows) {
  rows.sort(made.routes, static_cast<std::int64_t>(made.experts.size()));
  ASSERT_EQ(rows.places(), made.routes.used * static_cast<std::int64_t>(made.experts.size()));
  std::int64_t place = 0;
  for (std::int64_t expert = 0; expert < rows.experts(); ++expert) {
    EXPECT_EQ(rows.first_of(expert), place);
    for (std::size_t row = 0; row < made.experts.size(); ++row)
      if (std::count(made.experts[row].begin(), made.experts[row].end(), expert) > 0) {
        EXPECT_EQ(rows.rows()[place], static_cast<std::int32_t>(row)) << "place " << place;
        EXPECT_EQ(rows.weights()[place], static_cast<float>(row * 100) + static_cast<float>(expert));
        ++place;
      }
    EXPECT_EQ(rows.count_of(expert), place - rows.first_of(expert));
  }
}

TEST(ExpertRows, AreConsecutiveAndAscendingForEachExpert) {
  ExpertRows rows(4, 6);
  check(MadeRoutes({{1, 3}, {0, 3}, {1, 2}}, 0), rows);
  check(MadeRoutes({{2, 3}}, 5), rows);  // again, with fewer rows
  check(MadeRoutes({{0, 1}, {0, 1}, {0, 1}}, 1), rows);
}

TEST(ExpertRows, OfRandomRoutes) {
  tests::RandomValues random(3);
  ExpertRows rows(16, 4 * 50);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::vector<std::int32_t>> chosen(static_cast<std::size_t>(1 + random.below(50)));
    for (std::vector<std::int32_t>& row : chosen) {
      std::vector<std::int32_t> all;
      for (std::int32_t expert = 0; expert < 16; ++expert)
        all.insert(all.begin() + static_cast<std::ptrdiff_t>(random.below(expert + 1)), expert);
      row.assign(all.begin(), all.begin() + 4);
      std::sort(row.begin(), row.end());
    }
    check(MadeRoutes(chosen, round % 3), rows);
  }
}

// Sums over experts go in the same order whether a row comes alone or with others, sorted by expert.
TEST(Experts, EveryLogitIsTheSameForAnyChunkAndNumberOfThreads) {
  for (const char* name : {"arch/mixtral", "arch/qwen3moe/qwen3moe.gguf", "arch/gpt-oss"}) {
    BURIN_NEEDS_REFERENCE(name);
    std::vector<TokenId> tokens;
    for (TokenId i = 0; i < 61; ++i) tokens.push_back((i * 37 + 5) % 500);
    for (const char* weights : {"", "int8s.g32.f16"}) {
      tests::ModelSettings settings;
      settings.weights = weights;
      if (*weights != '\0') settings.compute = graph::ComputeType::int8;
      const auto logits = [&](int threads, std::int64_t chunk) {
        settings.threads = threads;
        settings.chunk = chunk;
        return tests::all_logits(tests::load_model(tests::reference_path(name), settings), tokens);
      };
      const std::vector<float> expected = logits(1, 61);
      for (const auto& [threads, chunk] : {std::pair{1, 1}, {2, 1}, {3, 7}, {2, 61}, {5, 30}})
        EXPECT_EQ(logits(threads, chunk), expected)
            << name << " " << weights << ", " << threads << " threads, chunks of " << chunk;
    }
  }
}

}  // namespace
}  // namespace burin::runtime
