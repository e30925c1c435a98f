// Embedding rows of every weight format against the plain decoder of the packed layout.
#include <gtest/gtest.h>

#include <vector>

#include "tests/kernels/embed_check.hpp"
#include "tests/support/host_targets.hpp"
#include "tests/support/weight_formats.hpp"

namespace burin::kernels {
namespace {

TEST(Embed, MatchesPackedValues) {
  for (const jit::Target& target : tests::host_targets())
    for (const WeightFormat& format : tests::all_formats())
      for (const std::int64_t width : {1, 7, 31, 32, 33, 172, 520})
        // Both ends of blocks, the last token, repetitions.
        check_embed(format, width % 3 == 1, width, {0, 31, 32, 63, 69, 5, 5, 64, 1}, target);
}

TEST(Embed, EveryTokenHasItsOwnRow) {
  std::vector<std::int32_t> all(kEmbedVocabulary);
  for (std::int32_t i = 0; i < kEmbedVocabulary; ++i) all[static_cast<std::size_t>(i)] = i;
  for (const jit::Target& target : tests::host_targets())
    for (const WeightFormat& format : tests::all_formats()) check_embed(format, true, 40, all, target);
}

TEST(Embed, NoRowsTouchNothing) {
  for (const jit::Target& target : tests::host_targets())
    for (const WeightFormat& format : tests::all_formats()) {
      EmbedSpec spec;
      spec.weights = format;
      const EmbedArguments nothing;  // null pointers
      tests::run_kernel(emit_embed(spec, target), nothing);
    }
}

TEST(Embed, EmissionIsDeterministic) {
  for (const jit::Target& target : tests::host_targets())
    for (const WeightFormat& format : tests::all_formats()) {
      EmbedSpec spec;
      spec.width = 300;
      spec.weights = format;
      EXPECT_EQ(emit_embed(spec, target).bytes, emit_embed(spec, target).bytes);
    }
}

}  // namespace
}  // namespace burin::kernels
