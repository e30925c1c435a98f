#include "graph/rope_frequencies.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/error_text.hpp"

namespace burin::graph {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

constexpr int kRotary = 128;

ModelDescription with_config(json config) {
  ModelDescription model;
  model.path = "config.json";
  model.config = std::move(config);
  return model;
}

std::vector<double> hugging_face(const json& config) {
  const ModelDescription model = with_config(config);
  return hugging_face_rope(ConfigReader(model), kRotary).inverse_frequencies;
}

std::vector<double> gguf(const json& config) {
  const ModelDescription model = with_config(config);
  return gguf_rope(ConfigReader(model), "llama", kRotary).inverse_frequencies;
}

void expect_near(const std::vector<double>& actual, const std::vector<double>& expected, double divisor = 1) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i)
    ASSERT_NEAR(actual[i] * divisor / expected[i], 1, 1e-12) << "pair " << i;
}

const json kLlama3 = {{"factor", 8.0},
                      {"low_freq_factor", 1.0},
                      {"high_freq_factor", 4.0},
                      {"original_max_position_embeddings", 8192}};

json llama3_with(const json& changes) {
  json scaling = kLlama3;
  scaling.update(changes);
  return scaling;
}

TEST(RopeFrequencies, PlainOnesArePowersOfTheBase) {
  const std::vector<double> frequencies = plain_frequencies(10000, 8);
  ASSERT_EQ(frequencies.size(), 4u);
  EXPECT_DOUBLE_EQ(frequencies[0], 1);
  EXPECT_DOUBLE_EQ(frequencies[1], 0.1);
  EXPECT_DOUBLE_EQ(frequencies[2], 0.01);
  EXPECT_DOUBLE_EQ(frequencies[3], 0.001);
}

TEST(RopeFrequencies, DefaultsOfBothOrigins) {
  const std::vector<double> plain = plain_frequencies(10000, kRotary);
  EXPECT_EQ(hugging_face(json::object()), plain);
  EXPECT_EQ(hugging_face({{"rope_scaling", nullptr}, {"rope_parameters", nullptr}}), plain);
  EXPECT_EQ(hugging_face({{"rope_scaling", {{"rope_type", "default"}}}}), plain);
  EXPECT_EQ(hugging_face({{"rope_parameters", {{"rope_type", "default"}}}}), plain);
  EXPECT_EQ(gguf(json::object()), plain);
  EXPECT_EQ(gguf({{"llama.rope.scaling.type", "none"}}), plain);
}

TEST(RopeFrequencies, BaseInEverySpelling) {
  const std::vector<double> plain = plain_frequencies(500000, kRotary);
  EXPECT_EQ(hugging_face({{"rope_theta", 500000.0}}), plain);
  EXPECT_EQ(hugging_face({{"rope_theta", 500000}}), plain);
  EXPECT_EQ(hugging_face({{"rope_parameters", {{"rope_theta", 500000.0}, {"rope_type", "default"}}}}), plain);
  // The newer place wins; where it says nothing, the older counts.
  EXPECT_EQ(hugging_face({{"rope_theta", 1.0e4}, {"rope_parameters", {{"rope_theta", 500000.0}}}}), plain);
  EXPECT_EQ(hugging_face({{"rope_theta", 500000.0}, {"rope_parameters", {{"rope_type", "default"}}}}), plain);
  EXPECT_EQ(gguf({{"llama.rope.freq_base", 500000.0}}), plain);
}

TEST(RopeFrequencies, LinearScalingDividesThem) {
  const std::vector<double> plain = plain_frequencies(10000, kRotary);
  expect_near(hugging_face({{"rope_scaling", {{"type", "linear"}, {"factor", 2.5}}}}), plain, 2.5);
  expect_near(hugging_face({{"rope_scaling", {{"rope_type", "linear"}, {"factor", 2.5}}}}), plain, 2.5);
  expect_near(hugging_face({{"rope_parameters", {{"rope_type", "linear"}, {"factor", 4}}}}), plain, 4);
  expect_near(gguf({{"llama.rope.scaling.type", "linear"}, {"llama.rope.scaling.factor", 4.0}}), plain, 4);
  expect_near(gguf({{"llama.rope.scale_linear", 2.0}}), plain, 2);
  // A factor without a type means linear, and wins over the older key: so llama.cpp reads it.
  expect_near(gguf({{"llama.rope.scaling.factor", 4.0}}), plain, 4);
  expect_near(gguf({{"llama.rope.scaling.factor", 4.0}, {"llama.rope.scale_linear", 2.0}}), plain, 4);
  EXPECT_EQ(gguf({{"llama.rope.scaling.type", "none"}, {"llama.rope.scaling.factor", 4.0}}), plain);
}

// Multiples of the plain frequencies, computed apart from this code with the formula of the Llama 3.1 model
// card.
TEST(RopeFrequencies, Llama3KeepsShortWavesAndSlowsLongOnes) {
  const std::vector<double> plain = plain_frequencies(500000, kRotary);
  const json scaling = llama3_with({{"rope_type", "llama3"}});
  const std::vector<double> scaled = hugging_face({{"rope_theta", 500000.0}, {"rope_scaling", scaling}});
  ASSERT_EQ(scaled.size(), plain.size());
  for (std::size_t i = 0; i <= 28; ++i) EXPECT_EQ(scaled[i], plain[i]) << i;
  const double blended[] = {0.8281684118371798, 0.6437431331275951, 0.4935071227319711, 0.3711222795178447};
  for (std::size_t i = 0; i < std::size(blended); ++i)
    EXPECT_NEAR(scaled[29 + i] / plain[29 + i], blended[i], 1e-12) << i;
  EXPECT_NEAR(scaled[34] / plain[34], 0.19021074364065016, 1e-12);
  for (std::size_t i = 35; i < plain.size(); ++i) EXPECT_NEAR(scaled[i] / plain[i], 0.125, 1e-15) << i;
}

TEST(RopeFrequencies, Llama3InEverySpelling) {
  const std::vector<double> scaled =
      hugging_face({{"rope_theta", 500000.0}, {"rope_scaling", llama3_with({{"rope_type", "llama3"}})}});
  EXPECT_EQ(hugging_face({{"rope_theta", 500000.0}, {"rope_scaling", llama3_with({{"type", "llama3"}})}}),
            scaled);
  EXPECT_EQ(
      hugging_face({{"rope_parameters", llama3_with({{"rope_type", "llama3"}, {"rope_theta", 500000.0}})}}),
      scaled);
}

// The values below were computed apart from this code, with the formulas of the papers.
TEST(RopeFrequencies, DynamicScalingRaisesTheBaseBeyondTheContext) {
  const ModelDescription model = with_config(
      {{"max_position_embeddings", 2048}, {"rope_scaling", {{"type", "dynamic"}, {"factor", 2.0}}}});
  const RopeAttributes rope = hugging_face_rope(ConfigReader(model), kRotary);
  EXPECT_EQ(frequencies_at(rope, 2048), plain_frequencies(10000, kRotary));
  const std::vector<double> longer = frequencies_at(rope, 5000);
  EXPECT_NEAR(longer[1], 0.8475170999915891, 1e-12);
  EXPECT_NEAR(longer[63], 2.9740863992002145e-05, 1e-16);
}

TEST(RopeFrequencies, QwenCountsLengthsInPowersOfTwo) {
  RopeAttributes rope;
  rope.rotary = kRotary;
  rope.inverse_frequencies = plain_frequencies(10000, kRotary);
  rope.longer.context = 2048;
  rope.longer.ntk_base = 10000;
  rope.longer.ntk_factor = 2;
  rope.longer.ntk_doubles = true;
  EXPECT_EQ(frequencies_at(rope, 2048), rope.inverse_frequencies);
  EXPECT_NEAR(frequencies_at(rope, 5000)[1], 0.8396257425643114, 1e-12);
  EXPECT_EQ(frequencies_at(rope, 5000), frequencies_at(rope, 8192));
  EXPECT_NE(frequencies_at(rope, 5000), frequencies_at(rope, 8193));
}

const json kYarn = {{"factor", 4.0}, {"original_max_position_embeddings", 32768}};

TEST(RopeFrequencies, YarnBlendsByPair) {
  json scaling = kYarn;
  scaling["rope_type"] = "yarn";
  const ModelDescription folder = with_config({{"rope_theta", 1000000.0}, {"rope_scaling", scaling}});
  const ModelDescription file = with_config({{"llama.rope.freq_base", 1000000.0},
                                             {"llama.rope.scaling.type", "yarn"},
                                             {"llama.rope.scaling.factor", 4.0},
                                             {"llama.rope.scaling.original_context_length", 32768}});
  const std::vector<double> plain = plain_frequencies(1000000, kRotary);
  for (const RopeAttributes& rope :
       {hugging_face_rope(ConfigReader(folder), kRotary), gguf_rope(ConfigReader(file), "llama", kRotary)}) {
    EXPECT_NEAR(rope.magnitude, 1.138629436111989, 1e-12);
    ASSERT_EQ(rope.inverse_frequencies.size(), plain.size());
    for (std::size_t i = 0; i <= 23; ++i) EXPECT_EQ(rope.inverse_frequencies[i], plain[i]) << i;
    EXPECT_NEAR(rope.inverse_frequencies[24] / plain[24], 0.9558823529411765, 1e-12);
    EXPECT_NEAR(rope.inverse_frequencies[39] / plain[39], 0.29411764705882354, 1e-12);
    for (std::size_t i = 40; i < plain.size(); ++i)
      EXPECT_NEAR(rope.inverse_frequencies[i] / plain[i], 0.25, 1e-15) << i;
  }
}

TEST(RopeFrequencies, YarnsMagnitudeMayBeGiven) {
  json scaling = {{"type", "yarn"},
                  {"factor", 40.0},
                  {"original_max_position_embeddings", 4096},
                  {"mscale", 0.707},
                  {"mscale_all_dim", 0.707}};
  const auto magnitude = [&] {
    const ModelDescription model = with_config({{"rope_scaling", scaling}});
    return hugging_face_rope(ConfigReader(model), kRotary).magnitude;
  };
  EXPECT_EQ(magnitude(), 1);
  EXPECT_NEAR(yarn_magnitude(40, 0.707), 1.2608037774058554, 1e-12);
  scaling["mscale_all_dim"] = 0;
  EXPECT_NEAR(magnitude(), 1.2608037774058554, 1e-12);
  scaling["attention_factor"] = 1.5;
  EXPECT_EQ(magnitude(), 1.5);
}

TEST(RopeFrequencies, LongropeHasFactorsForShortAndLong) {
  const std::vector<double> shorter(kRotary / 2, 2.0);
  const std::vector<double> longer(kRotary / 2, 8.0);
  const ModelDescription model = with_config(
      {{"max_position_embeddings", 131072},
       {"original_max_position_embeddings", 4096},
       {"rope_scaling", {{"type", "longrope"}, {"short_factor", shorter}, {"long_factor", longer}}}});
  const RopeAttributes rope = hugging_face_rope(ConfigReader(model), kRotary);
  const std::vector<double> plain = plain_frequencies(10000, kRotary);
  expect_near(frequencies_at(rope, 4096), plain, 2);
  expect_near(frequencies_at(rope, 4097), plain, 8);
  EXPECT_NEAR(rope.magnitude, 1.1902380714238083, 1e-12);
}

TEST(RopeFrequencies, LayerTypesMayHaveTheirOwn) {
  const ModelDescription model = with_config(
      {{"rope_parameters",
        {{"full_attention", {{"rope_theta", 1e6}}}, {"sliding_attention", {{"rope_theta", 1e4}}}}}});
  const ConfigReader config(model);
  EXPECT_EQ(hugging_face_rope(config, kRotary, "full_attention").inverse_frequencies,
            plain_frequencies(1e6, kRotary));
  EXPECT_EQ(hugging_face_rope(config, kRotary, "sliding_attention").inverse_frequencies,
            plain_frequencies(1e4, kRotary));
}

TEST(RopeFrequencies, UnknownScalingsAreRefusedByName) {
  for (const char* type : {"spiral", ""}) {
    const auto names_it = AllOf(HasSubstr("config.json"), HasSubstr(std::string("\"") + type + "\""),
                                HasSubstr("default, linear, llama3, dynamic, yarn and longrope"));
    EXPECT_THAT(tests::error_of([=] {
                  hugging_face({{"rope_scaling", {{"type", type}, {"factor", 2.0}}}});
                }),
                AllOf(HasSubstr("rope_scaling.type"), names_it));
    EXPECT_THAT(tests::error_of([=] {
                  hugging_face({{"rope_parameters", {{"rope_type", type}}}});
                }),
                AllOf(HasSubstr("rope_parameters.rope_type"), names_it));
  }
  EXPECT_THAT(tests::error_of([] {
                gguf({{"llama.rope.scaling.type", "spiral"}});
              }),
              AllOf(HasSubstr("llama.rope.scaling.type"), HasSubstr("\"spiral\"")));
}

TEST(RopeFrequencies, WhatAScalingLacksIsNamed) {
  const auto lacks = [](const json& scaling) {
    return tests::error_of([&] { hugging_face({{"rope_scaling", scaling}}); });
  };
  EXPECT_THAT(lacks({{"type", "dynamic"}}), HasSubstr("rope_scaling.factor is missing"));
  EXPECT_THAT(lacks({{"type", "dynamic"}, {"factor", 2}}), HasSubstr("max_position_embeddings is missing"));
  EXPECT_THAT(lacks({{"type", "yarn"}}), HasSubstr("rope_scaling.factor is missing"));
  EXPECT_THAT(lacks({{"type", "longrope"}}), HasSubstr("rope_scaling.long_factor is missing"));
  EXPECT_THAT(lacks({{"type", "longrope"}, {"long_factor", {1, 2}}}),
              HasSubstr("rope_scaling.long_factor is [1,2]: must be 64 numbers"));
  EXPECT_THAT(tests::error_of([] {
                gguf({{"llama.rope.scaling.type", "yarn"}, {"llama.rope.scaling.factor", 2}});
              }),
              HasSubstr("llama.rope.scaling.original_context_length is missing"));
}

TEST(RopeFrequencies, BadValuesAreRefusedByKey) {
  const auto older = [](const json& scaling) {
    return tests::error_of([&] { hugging_face({{"rope_scaling", scaling}}); });
  };
  EXPECT_THAT(older({{"type", "linear"}}), HasSubstr("rope_scaling.factor is missing"));
  EXPECT_THAT(older({{"type", "linear"}, {"factor", 0}}), HasSubstr("rope_scaling.factor is 0"));
  EXPECT_THAT(older({{"type", "linear"}, {"factor", "2"}}), HasSubstr("rope_scaling.factor is \"2\""));
  EXPECT_THAT(older({{"type", 7}}), HasSubstr("rope_scaling.type is 7: must be a text"));
  EXPECT_THAT(older("linear"), HasSubstr("rope_scaling is \"linear\": must be an object"));
  for (const auto& [key, value] : kLlama3.items()) {
    json scaling = llama3_with({{"rope_type", "llama3"}});
    scaling.erase(key);
    EXPECT_THAT(older(scaling), HasSubstr("rope_scaling." + key + " is missing"));
  }
  EXPECT_THAT(older(llama3_with({{"rope_type", "llama3"}, {"high_freq_factor", 1.0}})),
              HasSubstr("rope_scaling.high_freq_factor is 1.0: must be larger than low_freq_factor"));
  for (const json& theta : {json(0), json(-1.0), json("10000"), json(1e300)})
    EXPECT_THAT(tests::error_of([&] { hugging_face({{"rope_theta", theta}}); }), HasSubstr("rope_theta is"));
  EXPECT_THAT(tests::error_of([] {
                gguf({{"llama.rope.freq_base", 0}});
              }),
              HasSubstr("llama.rope.freq_base is 0"));
  EXPECT_THAT(tests::error_of([] {
                gguf({{"llama.rope.scaling.type", "linear"}});
              }),
              HasSubstr("llama.rope.scaling.factor is missing"));
}

}  // namespace
}  // namespace burin::graph
