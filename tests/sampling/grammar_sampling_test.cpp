// Sampling under a grammar.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "jit/error.hpp"
#include "runtime/sampling/random.hpp"
#include "runtime/sampling/sampler.hpp"
#include "tests/sampling/made_tokenizer.hpp"

namespace burin::runtime {
namespace {

const tests::MadeTokenizer& letters() {
  static const tests::MadeTokenizer made({"a", "b", "c", "ab", "", "cc"}, 4);
  return made;
}
constexpr TokenId kEnd = 4;

SamplingOptions following(const std::string& grammar, float temperature = 1) {
  SamplingOptions options;
  options.temperature = temperature;
  options.top_k = 0;
  options.top_p = 1;
  options.min_p = 0;
  options.grammar = grammar;
  return options;
}

Sampler sampler_of(const SamplingOptions& options) { return {options, {.size = 6, .tokenizer = &letters()}}; }

// Tokens until the text ends, as text.
std::string text(Sampler& sampler, const std::vector<float>& logits) {
  std::string result;
  for (int i = 0; i < 50; ++i) {
    const TokenId token = sampler.sample(logits);
    if (token == kEnd) return result + ".";
    result += letters().token_bytes(token);
    sampler.accept(token);
  }
  return result;
}

TEST(GrammarSampling, TakesTheBestThatIsAllowed) {
  Sampler sampler = sampler_of(following("root ::= \"b\" \"c\"+ \"a\"", 0));
  EXPECT_EQ(text(sampler, {5, 1, 3, 2, 4, 2}), "bca.");
  EXPECT_TRUE(sampler.must_end());
}

TEST(GrammarSampling, DrawsInProportionAmongWhatIsAllowed) {
  // Of 0.5 a, 0.3 b, 0.2 c only b and c: 0.6 and 0.4.
  const std::vector<float> logits = {std::log(0.5f), std::log(0.3f), std::log(0.2f), -9, -9, -9};
  Sampler sampler = sampler_of(following("root ::= [bc]"));
  int b = 0;
  for (int i = 0; i < 20'000; ++i)
    if (sampler.sample(logits) == 1) ++b;
  EXPECT_NEAR(b, 12'000, 300);
}

TEST(GrammarSampling, FiltersThatKeepNothingAllowedAreAskedAgain) {
  SamplingOptions options = following("root ::= \"c\"");
  options.top_k = 1;
  Sampler sampler = sampler_of(options);
  EXPECT_EQ(sampler.sample(std::vector<float>{9, 8, 1, 1, 1, 1}), 2);
}

TEST(GrammarSampling, MirostatLearnsOnceForEachToken) {
  SamplingOptions options = following("root ::= \"c\"");
  options.mirostat = 2;
  Sampler sampler = sampler_of(options);
  sampler.sample(std::vector<float>{9, 8, 1, -50, -50, -50});
  EXPECT_NEAR(sampler.state().mirostat_mu, 10 + 0.1 * 5, 1e-5);  // no surprise in the only token
}

TEST(GrammarSampling, BeginsAnewBehindPrompts) {
  const std::vector<float> logits = {5, 1, 3, 2, 4, 2};
  Sampler sampler = sampler_of(following("root ::= \"ab\"", 0));
  EXPECT_EQ(text(sampler, logits), "ab.");
  for (const TokenId token : {2, 2}) sampler.accept(token);
  EXPECT_FALSE(sampler.must_end());
  EXPECT_EQ(text(sampler, logits), "ab.");
  sampler.accept(kEnd);  // what ended the text is part of it
  EXPECT_TRUE(sampler.must_end());
  sampler.accept(0);
  EXPECT_EQ(text(sampler, logits), "ab.");
}

TEST(GrammarSampling, StatesGoOn) {
  const std::vector<float> logits = {1, 1, 1, 1, 1, 1};
  Sampler sampler = sampler_of(following("root ::= (\"a\" \"b\"{2,3} [bc]{3})+"));
  for (int i = 0; i < 40; ++i) {
    const SamplerState state = sampler.state();
    Sampler other(state, {.size = 6, .tokenizer = &letters()});
    const TokenId token = sampler.sample(logits);
    ASSERT_EQ(other.sample(logits), token) << i;
    Sampler awaiting(sampler.state(), {.size = 6, .tokenizer = &letters()});  // between sample and accept
    sampler.accept(token == kEnd ? 0 : token);
    awaiting.accept(token == kEnd ? 0 : token);
    Sampler same = sampler;
    ASSERT_EQ(awaiting.sample(logits), same.sample(logits)) << i;
  }
  SamplerState broken = sampler.state();
  broken.grammar.resize(3);
  EXPECT_THROW(Sampler(broken, {.size = 6, .tokenizer = &letters()}), Error);
}

TEST(GrammarSampling, WhatCannotGoOnIsRefused) {
  Sampler sampler = sampler_of(following("root ::= \"x\""));
  EXPECT_THROW(sampler.sample(std::vector<float>(6)), Error);
  EXPECT_THROW(Sampler(following("root ::= \"x\""), {.size = 6}), Error);  // no tokenizer
  EXPECT_THROW(Sampler(following("root ::="), {.size = 5, .tokenizer = &letters()}),
               Error);  // of another model
  EXPECT_THROW(sampler_of(following("root")), Error);
}

}  // namespace
}  // namespace burin::runtime
