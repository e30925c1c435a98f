// Options out of range are refused by name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "jit/error.hpp"
#include "runtime/sampler.hpp"

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
        Sampler sampler(options, 10);
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
