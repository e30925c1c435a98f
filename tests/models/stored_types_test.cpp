// One trained model in every GGUF type that Burin reads, against float64 runs on the dequantised weights.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/load_model.hpp"
#include "tests/support/reference_data.hpp"

namespace burin::runtime {
namespace {

using graph::ComputeType;
using nlohmann::json;
using tests::reference_path;

constexpr const char* kIndex = "gguf-types/index.json";
// Both errors are the largest of 24,576 rounding errors: where both engines round activations to eight bits
// in groups of 32 (Q4_0 .. Q8_0), either may be the larger by chance.
constexpr double kScatterOfMaximum = 1.25;

class StoredTypes : public testing::TestWithParam<const char*> {
 protected:
  // Largest distance of a logit from the reference.
  double error_with(ComputeType compute) const {
    const std::string type = GetParam();
    const auto tokens = tests::read_json(reference_path(kIndex))["tokens"].get<std::vector<TokenId>>();
    const auto model =
        tests::load_model(reference_path("gguf-types/ggufbase-" + type + ".gguf"), {.compute = compute});
    const std::vector<float> rows = tests::all_logits(model, tokens);
    const std::vector<float> expected =
        tests::read_floats(reference_path("gguf-types/" + type + ".logits.f32"));
    if (rows.size() != expected.size()) return INFINITY;
    double error = 0;
    for (std::size_t i = 0; i < rows.size(); ++i)
      error = std::max(error, std::abs(static_cast<double>(rows[i]) - static_cast<double>(expected[i])));
    return error;
  }

  // llama.cpp's own distance, which also computes on activations of eight bits; 0: it was not recorded.
  static double llama_cpp_error() {
    const json index = tests::read_json(reference_path(kIndex));
    for (const json& file : index["files"])
      if (file["type"] == GetParam()) return file.value("llama_cpp_max_abs_difference", 0.0);
    return 0;
  }
};

TEST_P(StoredTypes, LogitsAreThoseOfTheDequantisedWeights) {
  BURIN_NEEDS_REFERENCE(kIndex);
  EXPECT_LT(error_with(ComputeType::f32), 2e-3);
}

TEST_P(StoredTypes, Int8ComputeIsNoFurtherOffThanLlamaCpp) {
  BURIN_NEEDS_REFERENCE(kIndex);
  if (GetParam() == std::string("F16")) GTEST_SKIP() << "skipped: int8 compute needs integer weights";
  const double theirs = llama_cpp_error();
  if (theirs == 0) GTEST_SKIP() << "skipped: the reference has no error of llama.cpp for this file";
  EXPECT_LE(error_with(ComputeType::int8), kScatterOfMaximum * theirs);
}

INSTANTIATE_TEST_SUITE_P(Files, StoredTypes,
                         testing::Values("F16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K",
                                         "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS", "MXFP4", "TQ1_0",
                                         "TQ2_0", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S", "IQ1_S",
                                         "IQ1_M", "mix-Q2_K", "mix-Q3_K_M", "mix-Q4_K_M", "mix-Q5_K_M"),
                         [](const auto& one) {
                           std::string name = one.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace burin::runtime
