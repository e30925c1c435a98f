// Endless sequences of models that the tests make. In a model of one layer, keys and values depend on their tokens only:
// what is in the cache is then as good as a new sequence of the cached tokens.
#include <gtest/gtest.h>

#include <cmath>

#include "graph/plan.hpp"
#include "runtime/sequence_rotation.hpp"
#include "tests/support/gguf_writer.hpp"
#include "tests/support/load_model.hpp"
#include "tests/support/reference_data.hpp"
#include "tests/support/refusal.hpp"
#include "tests/support/safetensors_writer.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::runtime {
namespace {

using tests::ModelSettings;

constexpr std::int64_t kContext = 40;

std::vector<TokenId> made_tokens(std::int64_t count, std::int64_t vocabulary) {
  std::vector<TokenId> tokens;
  for (std::int64_t i = 0; i < count; ++i)
    tokens.push_back(static_cast<TokenId>((i * i + 3 * i) % vocabulary));
  return tokens;
}

void expect_close(std::span<const float> values, std::span<const float> wanted, double tolerance) {
  ASSERT_EQ(values.size(), wanted.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    ASSERT_NEAR(static_cast<double>(values[i]), static_cast<double>(wanted[i]), tolerance) << "logit " << i;
}

std::vector<float> logits_after(Session& session, std::span<const TokenId> tokens) {
  session.evaluate(tokens);
  return {session.logits().begin(), session.logits().end()};
}

// Feeds tokens one by one and compares with a new session of what the rule leaves.
void expect_like_a_new_sequence(const std::string& path, const SessionOptions& options, double tolerance,
                                ModelSettings settings = {}) {
  settings.context = kContext;
  const auto model = tests::load_model(path, settings);
  Session endless(model, options);
  Session fresh(model);
  std::vector<TokenId> cached;
  for (const TokenId token : made_tokens(3 * kContext, model->vocabulary_size())) {
    if (static_cast<std::int64_t>(cached.size()) == kContext) {
      const std::int64_t discard = endless.options().discard;
      cached.erase(cached.begin() + options.keep, cached.begin() + options.keep + discard);
    }
    cached.push_back(token);
    endless.evaluate({&token, 1});
    fresh.reset();
    fresh.evaluate(cached);
    SCOPED_TRACE(endless.position());
    EXPECT_EQ(endless.cached_tokens(), static_cast<std::int64_t>(cached.size()));
    expect_close(endless.logits(), fresh.logits(), tolerance);
  }
}

tests::TinyLlama one_layer() {
  tests::TinyLlama shape;
  shape.hidden = 64;
  shape.heads = 4;
  shape.kv_heads = 2;
  return shape;
}

constexpr SessionOptions kOptions[] = {{.endless = true, .keep = 4, .discard = -1},
                                       {.endless = true, .keep = 0, .discard = 1},
                                       {.endless = true, .keep = 3, .discard = 37},
                                       {.endless = true, .keep = 39, .discard = 1}};

TEST(Endless, NeighboursRotate) {
  const tests::TemporaryFolder folder;
  const std::string path = tests::write_tiny_gguf(folder, one_layer());
  for (const SessionOptions& options : kOptions) expect_like_a_new_sequence(path, options, 2e-5);
}

TEST(Endless, HalvesRotateWithEveryScaling) {
  for (const tests::TinyRopeScaling scaling :
       {tests::TinyRopeScaling::none, tests::TinyRopeScaling::linear, tests::TinyRopeScaling::llama3}) {
    const tests::TemporaryFolder folder;
    tests::TinyLlama shape = one_layer();
    shape.rope_scaling = scaling;
    tests::write_tiny_folder(folder, shape);
    expect_like_a_new_sequence(folder.path().string(), kOptions[0], 2e-5);
  }
}

TEST(Endless, NarrowCaches) {
  const tests::TemporaryFolder folder;
  const std::string path = tests::write_tiny_gguf(folder, one_layer());
  expect_like_a_new_sequence(path, kOptions[0], 2e-2, {.kv = graph::KvType::bf16});
  expect_like_a_new_sequence(path, kOptions[0], 3e-3, {.kv = graph::KvType::f16});
  expect_like_a_new_sequence(path, kOptions[0], 3e-2, {.kv = graph::KvType::int8});
}

// Positions that are learned: what is left is evaluated again, so that any number of layers is as good as new.
TEST(Endless, LearnedPositions) {
  for (const std::string model : {"arch/gpt2", "arch/opt"}) {
    BURIN_NEEDS_REFERENCE(model);
    for (const SessionOptions& options : kOptions)
      expect_like_a_new_sequence(tests::reference_path(model).string(), options, 1e-4);
  }
}

// --- what holds for any number of layers

class Layers : public testing::Test {
 protected:
  static tests::TinyLlama shape() {
    tests::TinyLlama shape = one_layer();
    shape.layers = 3;
    return shape;
  }
  std::shared_ptr<const Model> load(const ModelSettings& settings) const {
    return tests::load_model(folder_.path().string(), settings);
  }
  // With windows of `window` positions in every layer, or none.
  void write(std::int64_t window) const {
    tests::write_tiny_folder(folder_, shape());
    nlohmann::json config = tests::tiny_config(shape());
    if (window > 0)
      config.merge_patch(
          {{"architectures", {"MistralForCausalLM"}}, {"model_type", "mistral"}, {"sliding_window", window}});
    folder_.write("config.json", config.dump());
  }

  tests::TemporaryFolder folder_;
};

// A prompt goes over the context several times.
TEST_F(Layers, ChunksMakeNoDifference) {
  write(0);
  std::vector<float> one_by_one;
  for (const std::int64_t chunk : {1, 7, 32, 512}) {
    const auto model = load({.chunk = chunk, .context = kContext});
    const std::vector<TokenId> tokens = made_tokens(333, model->vocabulary_size());
    for (std::size_t which = 0; which < std::size(kOptions); ++which) {
      Session session(model, kOptions[which]);
      const std::vector<float> logits = logits_after(session, tokens);
      if (chunk == 1)
        one_by_one.insert(one_by_one.end(), logits.begin(), logits.end());
      else
        expect_close(logits, std::span(one_by_one).subspan(which * logits.size(), logits.size()), 2e-5);
    }
  }
}

// Layers with a window have a ring of their own, shorter than the context where chunks are short.
TEST_F(Layers, WindowsHaveShortRings) {
  write(20);
  constexpr std::int64_t kLong = 300;
  const auto whole = load({.chunk = 512, .context = kLong});
  const auto ring = load({.chunk = 8, .context = kLong});
  const std::vector<TokenId> tokens = made_tokens(kLong, whole->vocabulary_size());
  Session expected(whole);
  Session session(ring);
  expect_close(logits_after(session, tokens), logits_after(expected, tokens), 2e-5);
  EXPECT_LT(session.cache_bytes(), expected.cache_bytes() / 3);
}

TEST_F(Layers, WindowsOfEndlessSequences) {
  write(20);
  for (const SessionOptions& options : {SessionOptions{.endless = true, .keep = 4, .discard = 190},
                                        {.endless = true, .keep = 70, .discard = 1}}) {
    const auto whole = load({.chunk = 512, .context = 200});
    const std::vector<TokenId> tokens = made_tokens(700, whole->vocabulary_size());
    Session expected(whole, options);
    const std::vector<float> logits = logits_after(expected, tokens);
    for (const std::int64_t chunk : {1, 8}) {
      Session session(load({.chunk = chunk, .context = 200}), options);
      expect_close(logits_after(session, tokens), logits, 2e-5);
      EXPECT_LT(session.cache_bytes(), expected.cache_bytes());
    }
  }
}

// --- rotations that depend on how long a sequence is

constexpr std::int64_t kTrained = 16;

// A model of three layers whose config has these RoPE settings.
std::shared_ptr<const Model> with_rope(const tests::TemporaryFolder& folder, const nlohmann::json& changes) {
  tests::TinyLlama shape = one_layer();
  shape.layers = 3;
  tests::write_tiny_folder(folder, shape);
  nlohmann::json config = tests::tiny_config(shape);
  config["max_position_embeddings"] = kTrained;
  config.merge_patch(changes);
  folder.write("config.json", config.dump());
  return tests::load_model(folder.path().string(), {.chunk = 8, .context = kContext});
}

// Each length has a base of its own: a sequence is as good as one of a model that has that base at any length.
TEST(Endless, DynamicNtk) {
  const tests::TemporaryFolder folder;
  const auto dynamic = with_rope(folder, {{"rope_scaling", {{"type", "dynamic"}, {"factor", 2}}}});
  const int head_size = one_layer().head_size();
  const std::vector<TokenId> tokens = made_tokens(3 * kContext, dynamic->vocabulary_size());
  const SessionOptions options = {.endless = true, .keep = 4, .discard = 7};
  Session whole(dynamic);
  Session grown(dynamic);
  Session endless(dynamic, options);
  for (const std::int64_t length : {std::int64_t{10}, kTrained, kTrained + 1, std::int64_t{30}, kContext}) {
    const double excess = std::max(1.0, static_cast<double>(length) / kTrained);
    const double base = 10000 * std::pow(2 * excess - 1, head_size / (head_size - 2.0));
    const tests::TemporaryFolder other;
    const auto fixed = with_rope(other, {{"rope_theta", base}});
    Session expected(fixed);
    const std::span<const TokenId> part = std::span(tokens).first(static_cast<std::size_t>(length));
    const std::vector<float> logits = logits_after(expected, part);
    whole.reset();
    expect_close(logits_after(whole, part), logits, 2e-5);
    while (grown.position() < length)
      grown.evaluate(part.subspan(static_cast<std::size_t>(grown.position()), 1));
    expect_close(grown.logits(), logits, 2e-5);
    if (length < kContext) continue;
    Session full(fixed, options);
    expect_close(logits_after(endless, tokens), logits_after(full, tokens), 2e-5);
    grown.truncate(10);
    whole.reset();
    whole.evaluate(part.first(10));
    expect_close(logits_after(grown, part.subspan(10, 1)), logits_after(whole, part.subspan(10, 1)), 2e-5);
  }
}

TEST(Endless, LongRope) {
  const std::vector<double> near = {1, 1, 1.5, 1, 1, 2, 1, 1};
  const std::vector<double> far = {1, 2, 4, 8, 8, 8, 8, 8};
  const auto scaling = [](const std::vector<double>& short_factor, const std::vector<double>& long_factor) {
    return nlohmann::json{{"rope_scaling",
                           {{"type", "longrope"},
                            {"short_factor", short_factor},
                            {"long_factor", long_factor},
                            {"original_max_position_embeddings", kTrained}}}};
  };
  const tests::TemporaryFolder folder;
  const auto both = with_rope(folder, scaling(near, far));
  const std::vector<TokenId> tokens = made_tokens(3 * kContext, both->vocabulary_size());
  for (const std::int64_t length : {kTrained, kTrained + 1, kContext}) {
    const std::vector<double>& factors = length > kTrained ? far : near;
    const tests::TemporaryFolder other;
    Session expected(with_rope(other, scaling(factors, factors)));
    const std::span<const TokenId> part = std::span(tokens).first(static_cast<std::size_t>(length));
    const std::vector<float> logits = logits_after(expected, part);
    Session grown(both);
    while (grown.position() < length)
      grown.evaluate(part.subspan(static_cast<std::size_t>(grown.position()), 1));
    expect_close(grown.logits(), logits, 2e-5);
  }
}

// What kernels are given for positions around ten million turns queries and keys against each other by the same angles
// as around zero: cos(a - b) from floats.
TEST(Endless, FarPositionsAreAsExactAsNearOnes) {
  graph::RopeAttributes rope;
  rope.inverse_frequencies = graph::plain_frequencies(10000, 128);
  const SequenceRotation rotation({&rope, 1});
  const std::vector<double>& frequencies = rope.inverse_frequencies;
  const auto row = [&](std::int64_t position) {
    std::vector<float> floats(128);
    rotation.fill_rows(0, position, 128, floats);
    return floats;
  };
  for (const std::int64_t far : {std::int64_t{0}, std::int64_t{10'000'000}, std::int64_t{1} << 40})
    for (const std::int64_t distance : {1, 17, 2047}) {
      const std::vector<float> key = row(far);
      const std::vector<float> query = row(far + distance);
      const double tolerance = far < (std::int64_t{1} << 40) ? 2e-7 : 1e-3;
      for (std::size_t pair = 0; pair < 64; ++pair) {
        const double cosine = static_cast<double>(key[pair]) * static_cast<double>(query[pair]) +
                              static_cast<double>(key[64 + pair]) * static_cast<double>(query[64 + pair]);
        EXPECT_NEAR(cosine, std::cos(static_cast<double>(distance) * frequencies[pair]), tolerance);
      }
    }
}

TEST(Endless, OptionsOutOfRangeAreRefused) {
  const tests::TemporaryFolder folder;
  const std::string path = tests::write_tiny_gguf(folder, one_layer());
  const auto model = tests::load_model(path, {.context = kContext});
  const auto refusal = [&](const SessionOptions& options) {
    return tests::refusal_of([&] { Session session(model, options); });
  };
  EXPECT_THAT(refusal({.endless = true, .keep = -1}), testing::HasSubstr("keep is -1: must be 0 to 39"));
  EXPECT_THAT(refusal({.endless = true, .keep = 40}), testing::HasSubstr("keep is 40"));
  EXPECT_THAT(refusal({.endless = true, .keep = 4, .discard = 37}),
              testing::HasSubstr("discard is 37: must be 1 to 36"));
  EXPECT_THAT(refusal({.endless = true, .keep = 4, .discard = 0}), testing::HasSubstr("discard is 0"));
  EXPECT_THAT(refusal({.endless = true, .keep = 4, .discard = -2}), testing::HasSubstr("discard is -2"));
}

}  // namespace
}  // namespace burin::runtime
