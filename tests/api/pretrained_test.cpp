// The calls that users of Hugging Face and Intel Extension for Transformers know.
#include <gmock/gmock.h>

#include "tests/api/demo_model.hpp"

namespace burin::tests {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<Model> pretrained(const PretrainedOptions& options) {
  PretrainedOptions quiet = options;
  quiet.load.threads = 2;
  quiet.load.cache_folder = "";
  return Model::from_pretrained(kDemo, quiet);
}

Result<Model> with_config(const WeightOnlyQuantConfig& config) {
  return pretrained({.quantization_config = config});
}

std::int64_t weight_bytes(const Result<Model>& model) {
  return model ? model->statistics().weight_bytes : throw std::runtime_error(model.error().message);
}

TEST(FromPretrained, LoadsInFewerBits) {
  const std::int64_t stored = weight_bytes(pretrained({}));
  const std::int64_t four = weight_bytes(pretrained({.load_in_4bit = true}));
  const std::int64_t eight = weight_bytes(pretrained({.load_in_8bit = true}));
  EXPECT_LT(four, 3 * eight / 4);
  EXPECT_LE(eight, stored);
}

TEST(FromPretrained, TheShapeOfItsCall) {
  const auto model = burin::Model::from_pretrained(kDemo, {.load_in_4bit = true});
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->vocabulary_size(), 512);
}

TEST(FromPretrained, EveryFieldOfTheConfigCounts) {
  const std::int64_t plain = weight_bytes(with_config({}));
  EXPECT_EQ(weight_bytes(with_config({.weight_dtype = "int4_clip"})), plain);
  EXPECT_EQ(weight_bytes(with_config({.scale_dtype = "fp16"})), plain);
  EXPECT_EQ(weight_bytes(with_config({.group_size = 32})), plain);
  EXPECT_LT(weight_bytes(with_config({.group_size = 64})), plain);
  EXPECT_GT(weight_bytes(with_config({.group_size = 16})), plain);
  EXPECT_LT(weight_bytes(with_config({.group_size = -1})), weight_bytes(with_config({.group_size = 64})));
  EXPECT_GT(weight_bytes(with_config({.scale_dtype = "fp32"})), plain);
  EXPECT_GT(weight_bytes(with_config({.scheme = "asym"})), plain);
  EXPECT_LT(weight_bytes(with_config({.weight_dtype = "int3"})), plain);
}

TEST(FromPretrained, AllWeightTypesWrite) {
  const DemoReference reference = demo_reference();
  for (const char* type : {"int2", "int4", "int8", "nf4", "fp4", "fp4_e2m1_bnb", "mxfp4", "nvfp4", "iq4nl",
                           "fp8_e4m3", "fp8_e5m2", "fp16", "bf16", "fp32"}) {
    const auto model = with_config({.weight_dtype = type});
    ASSERT_TRUE(model) << type << ": " << model.error().message;
    const auto tokens = model->generate(reference.tokens, greedy(4));
    ASSERT_TRUE(tokens) << type << ": " << tokens.error().message;
    EXPECT_EQ(tokens->size(), reference.tokens.size() + 4) << type;
  }
  for (const char* compute : {"int8", "int8-row", "int8-bf16", "fp32"})
    EXPECT_TRUE(with_config({.compute_dtype = compute})) << compute;
}

TEST(FromPretrained, UnsupportedValuesAreRefusedByName) {
  const auto refused = [](const WeightOnlyQuantConfig& config, const std::string& part) {
    return fails(with_config(config), ErrorCode::invalid_argument, part);
  };
  EXPECT_TRUE(refused({.weight_dtype = "int9"}, "weight_dtype: 'int9'"));
  EXPECT_TRUE(refused({.weight_dtype = "fp8_e3m4"}, "weight_dtype: 'fp8_e3m4'"));
  EXPECT_TRUE(refused({.weight_dtype = "fp8_e5m2", .scale_dtype = "two-level"}, "weight_dtype fp8_e5m2"));
  EXPECT_TRUE(refused({.weight_dtype = ""}, "weight_dtype: ''"));
  EXPECT_TRUE(refused({.compute_dtype = "int7"}, "int7"));
  EXPECT_TRUE(refused({.group_size = 33}, "group_size: 33"));
  EXPECT_TRUE(refused({.group_size = -2}, "group_size: -2"));
  EXPECT_TRUE(refused({.scheme = "both"}, "scheme: 'both'"));
  EXPECT_TRUE(refused({.scale_dtype = "fp64"}, "scale_dtype: 'fp64'"));
  EXPECT_TRUE(refused({.weight_dtype = "nf4", .scheme = "asym"}, "scheme: asym"));
  EXPECT_TRUE(refused({.weight_dtype = "fp16", .group_size = 32}, "weight_dtype: fp16 has no groups"));
  EXPECT_TRUE(refused({.weight_dtype = "mxfp4", .scale_dtype = "fp32"}, "weight_dtype: mxfp4"));
  EXPECT_TRUE(refused({.weight_dtype = "nf4", .group_size = 32, .scale_dtype = "two-level"}, "two-level"));
}

TEST(FromPretrained, ContradictionsAreRefused) {
  EXPECT_TRUE(fails(pretrained({.load_in_4bit = true, .load_in_8bit = true}), ErrorCode::invalid_argument,
                    "load_in_4bit, load_in_8bit"));
  EXPECT_TRUE(fails(pretrained({.load_in_8bit = true, .quantization_config = WeightOnlyQuantConfig{}}),
                    ErrorCode::invalid_argument, "load_in_8bit: contradicts weight_dtype int4"));
  LoadOptions load;
  load.quantization = WeightOnlyQuantConfig{};
  EXPECT_TRUE(fails(pretrained({.load = load}), ErrorCode::invalid_argument, "load.quantization"));
  load = {};
  load.compute = "f32";
  EXPECT_TRUE(
      fails(pretrained({.quantization_config = WeightOnlyQuantConfig{.compute_dtype = "int8"}, .load = load}),
            ErrorCode::invalid_argument, "compute_dtype: int8 contradicts compute f32"));
  EXPECT_TRUE(pretrained(
      {.load_in_4bit = true, .quantization_config = WeightOnlyQuantConfig{.weight_dtype = "nf4"}}));
}

// Notes every call.
class Recorder : public Streamer {
 public:
  void put(std::span<const TokenId> tokens) override { calls.emplace_back(tokens.begin(), tokens.end()); }
  void end() override { ++ends; }
  std::vector<std::vector<TokenId>> calls;
  int ends = 0;
};

TEST(FromPretrained, StreamerGetsPromptTokensAndEnd) {
  const DemoReference reference = demo_reference();
  Recorder recorder;
  const auto tokens = demo_model().generate(reference.tokens, greedy(3), &recorder);
  ASSERT_TRUE(tokens) << tokens.error().message;
  std::vector<TokenId> expected = reference.tokens;
  expected.insert(expected.end(), reference.greedy.begin(), reference.greedy.begin() + 3);
  EXPECT_EQ(*tokens, expected);
  using Tokens = std::vector<TokenId>;
  EXPECT_THAT(recorder.calls, ElementsAre(reference.tokens, Tokens{reference.greedy[0]},
                                          Tokens{reference.greedy[1]}, Tokens{reference.greedy[2]}));
  EXPECT_EQ(recorder.ends, 1);
}

class Thrower : public Recorder {
 public:
  void put(std::span<const TokenId> tokens) override {
    Recorder::put(tokens);
    if (calls.size() == 3) throw std::runtime_error("full");
  }
};

TEST(FromPretrained, StreamerIsEndedWhateverHappens) {
  const Model model = demo_model();
  Thrower thrower;
  EXPECT_TRUE(
      fails(model.generate(demo_reference().tokens, greedy(8), &thrower), ErrorCode::callback_threw, "full"));
  EXPECT_EQ(thrower.calls.size(), 3u);
  EXPECT_EQ(thrower.ends, 1);
  Recorder recorder;
  EXPECT_TRUE(fails(model.generate(std::vector<TokenId>{512}, greedy(8), &recorder),
                    ErrorCode::invalid_argument, "512"));
  EXPECT_EQ(recorder.ends, 1);
}

std::string streamed(const TextStreamerOptions& options) {
  const Model model = demo_model();
  std::string text;
  TextStreamer streamer(
      value_of(model.tokenizer()), [&](std::string_view piece) { text += piece; }, options);
  value_of(model.generate(demo_reference().tokens, greedy(96), &streamer));
  EXPECT_TRUE(streamer.status());
  return text;
}

TEST(TextStreamer, ShowsPromptAndText) {
  const DemoReference reference = demo_reference();
  EXPECT_EQ(streamed({}), reference.prompt + reference.greedy_text);
  EXPECT_EQ(streamed({.skip_prompt = true}), reference.greedy_text);
}

TEST(TextStreamer, PiecesAreWholeCharacters) {
  const Tokenizer tokenizer = value_of(Tokenizer::load(kDemo));
  std::vector<std::string> pieces;
  TextStreamer streamer(tokenizer, [&](std::string_view piece) { pieces.emplace_back(piece); });
  const std::vector<TokenId> tokens = value_of(tokenizer.encode("a\xc3\xa9!"));  // e acute: two byte tokens
  ASSERT_EQ(tokens.size(), 4u);
  for (const TokenId& token : tokens) streamer.put({&token, 1});
  streamer.end();
  EXPECT_THAT(pieces, ElementsAre("a", "\xc3\xa9", "!"));
}

TEST(TextStreamer, UnknownTokensAreItsStatus) {
  TextStreamer streamer(value_of(Tokenizer::load(kDemo)), [](std::string_view) { FAIL(); });
  const TokenId unknown = 100000;
  streamer.put({&unknown, 1});
  streamer.end();
  EXPECT_TRUE(fails(streamer.status(), ErrorCode::invalid_argument, "100000"));
}

}  // namespace
}  // namespace burin::tests
