// Options out of range are refused by name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "jit/error.hpp"
#include "runtime/sampling/sampler.hpp"

namespace burin::runtime {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

template <typename Field>
void expect_refusal(Field SamplingOptions::*field, Field value, const std::string& name,
                    const std::string& shown) {
  SamplingOptions options;
  options.*field = value;
  for (const bool construct : {false, true}) {
    try {
      if (construct) {
        Sampler sampler(options, {.size = 10});
      } else {
        validate(options);
      }
      ADD_FAILURE() << name << " = " << value << " was accepted";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), AllOf(HasSubstr(name + ": "), HasSubstr(shown), HasSubstr("give")));
    }
  }
}

TEST(SamplingOptions, RefusesWhatIsOutOfRangeByName) {
  for (const float bad : {-0.5f, 1e9f, kInfinity, -kInfinity, kNaN}) {
    expect_refusal(&SamplingOptions::temperature, bad, "temperature", "0 to 100");
    expect_refusal(&SamplingOptions::top_p, bad, "top_p", "0 to 1");
    expect_refusal(&SamplingOptions::min_p, bad, "min_p", "0 to 1");
    expect_refusal(&SamplingOptions::repeat_penalty, bad, "repeat_penalty", "0.01 to 100");
  }
  expect_refusal(&SamplingOptions::repeat_penalty, 0.0f, "repeat_penalty", "0.01 to 100");
  expect_refusal(&SamplingOptions::top_p, 1.5f, "top_p", "1.5");
  expect_refusal(&SamplingOptions::temperature, kNaN, "temperature", "nan");
  expect_refusal(&SamplingOptions::top_k, -1, "top_k", "-1");
  expect_refusal(&SamplingOptions::repeat_last, -1, "repeat_last", "-1");
  expect_refusal(&SamplingOptions::repeat_last, 2'000'000'000, "repeat_last", "2000000000");
  expect_refusal(&SamplingOptions::presence_penalty, -101.0f, "presence_penalty", "-101");
  expect_refusal(&SamplingOptions::frequency_penalty, kNaN, "frequency_penalty", "nan");
  for (const float bad : {-0.1f, 1.1f}) {
    expect_refusal(&SamplingOptions::typical, bad, "typical", "0 to 1");
    expect_refusal(&SamplingOptions::xtc_probability, bad, "xtc_probability", "0 to 1");
    expect_refusal(&SamplingOptions::xtc_threshold, bad, "xtc_threshold", "0 to 1");
    expect_refusal(&SamplingOptions::mirostat_eta, bad, "mirostat_eta", "0 to 1");
  }
  expect_refusal(&SamplingOptions::dynatemp_range, -1.0f, "dynatemp_range", "-1");
  expect_refusal(&SamplingOptions::dynatemp_exponent, kInfinity, "dynatemp_exponent", "inf");
  expect_refusal(&SamplingOptions::dry_multiplier, -1.0f, "dry_multiplier", "-1");
  expect_refusal(&SamplingOptions::dry_base, 0.5f, "dry_base", "1 to 100");
  expect_refusal(&SamplingOptions::dry_allowed_length, 0, "dry_allowed_length", "0");
  expect_refusal(&SamplingOptions::dry_penalty_last_n, -1, "dry_penalty_last_n", "-1");
  expect_refusal(&SamplingOptions::mirostat, 1, "mirostat", "1");
  expect_refusal(&SamplingOptions::mirostat_tau, 101.0f, "mirostat_tau", "101");
}

TEST(SamplingOptions, RefusesListsThatCannotBe) {
  const auto refusal = [](auto change) -> std::string {
    SamplingOptions options;
    change(options);
    try {
      validate(options);
    } catch (const Error& error) {
      return error.what();
    }
    return "none";
  };
  const auto breakers = [&](std::vector<std::string> texts) {
    return refusal([&](SamplingOptions& options) { options.dry_sequence_breakers = texts; });
  };
  EXPECT_THAT(breakers({""}), HasSubstr("dry_sequence_breakers: one has 0 bytes"));
  EXPECT_THAT(breakers({std::string(41, 'x')}), HasSubstr("41 bytes"));
  EXPECT_THAT(breakers(std::vector<std::string>(65, "x")), HasSubstr("65 are too many"));
  EXPECT_EQ(breakers({std::string(40, 'x')}), "none");
  const auto bias = [&](float value) {
    return refusal([&](SamplingOptions& options) { options.logit_bias = {{7, value}}; });
  };
  EXPECT_THAT(bias(kNaN), HasSubstr("logit_bias: nan of token 7"));
  EXPECT_THAT(bias(kInfinity), HasSubstr("logit_bias: inf of token 7"));
  EXPECT_EQ(bias(-kInfinity), "none");
}

TEST(SamplingOptions, AcceptsTheEndsOfEveryRange) {
  SamplingOptions options;
  EXPECT_NO_THROW(validate(options));
  options = {.temperature = 0, .top_k = 0, .top_p = 0, .min_p = 0, .repeat_penalty = 0.01f, .repeat_last = 0};
  EXPECT_NO_THROW(validate(options));
  options = {.temperature = 100, .top_k = 1 << 30, .top_p = 1, .min_p = 1, .repeat_penalty = 100};
  EXPECT_NO_THROW(validate(options));
}

}  // namespace
}  // namespace burin::runtime
