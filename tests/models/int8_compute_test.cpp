// What int8 activations cost beside int8 weights, where architectures_test.cpp has no reference to hold it against:
// the same weights with f32 activations. quantbase has outlier channels, which large models grow, on purpose.
#include <gtest/gtest.h>

#include "runtime/perplexity.hpp"
#include "tests/support/load_model.hpp"
#include "tests/support/reference_data.hpp"

namespace burin::runtime {
namespace {

using graph::ComputeType;
using tests::reference_path;

constexpr const char* kText = "eval/tinyshakespeare/input.txt";
constexpr std::size_t kFrom = 1059624;  // the part that the trained models have not seen
constexpr std::size_t kCharacters = 12000;

class Int8Compute : public testing::TestWithParam<const char*> {
 protected:
  static double perplexity_with(ComputeType compute) {
    const auto model = tests::load_model(reference_path(GetParam()),
                                         {.compute = compute, .context = 128, .weights = "int8s.g32.f16"});
    Session session(model);
    const std::string text = tests::read_bytes(reference_path(kText)).substr(kFrom, kCharacters);
    return perplexity(session, *model, text).value;
  }
};

TEST_P(Int8Compute, ChangesPerplexityByLessThanOnePercent) {
  BURIN_NEEDS_REFERENCE(GetParam());
  BURIN_NEEDS_REFERENCE(kText);
  const double expected = perplexity_with(ComputeType::f32);
  const double measured = perplexity_with(ComputeType::int8);
  EXPECT_NE(measured, expected) << "int8 was not used";
  EXPECT_NEAR(measured, expected, expected * 0.01);
}

INSTANTIATE_TEST_SUITE_P(Models, Int8Compute,
                         testing::Values("arch/falcon-rw", "models/quantbase",
                                         "models/TinyStories-656K/hf-bf16",
                                         "models/stories260K/stories260K.gguf"));

}  // namespace
}  // namespace burin::runtime
