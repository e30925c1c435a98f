// The C ABI, called from C (c_host.c).
#include <gmock/gmock.h>

#include <thread>

#include "tests/api/c_host.h"
#include "tests/api/demo_model.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::tests {
namespace {

using testing::HasSubstr;
using testing::StrEq;

std::string or_fine(const char* wrong) {
  return wrong == nullptr ? "fine" : std::string(wrong) + ": " + burin_last_error();
}

TEST(CApi, Writes) {
  const DemoReference reference = demo_reference();
  EXPECT_EQ(or_fine(c_host_writes(kDemo.c_str(), reference.prompt.c_str(), reference.greedy.data(),
                                  reference.greedy.size())),
            "fine");
}

TEST(CApi, SurvivesNull) { EXPECT_EQ(or_fine(c_host_survives_null(kDemo.c_str())), "fine"); }
TEST(CApi, CallsBack) { EXPECT_EQ(or_fine(c_host_is_called_back(kDemo.c_str())), "fine"); }
TEST(CApi, ComputesOnTheHostsThreads) { EXPECT_EQ(or_fine(c_host_executes(kDemo.c_str())), "fine"); }
TEST(CApi, KeepsSequences) {
  const TemporaryFolder folder;
  EXPECT_EQ(or_fine(c_host_keeps_sequences(kDemo.c_str(), (folder / "sequence").c_str())), "fine");
}
TEST(CApi, StructsOfOtherVersions) { EXPECT_EQ(or_fine(c_host_has_other_sizes(kDemo.c_str())), "fine"); }

TEST(CApi, VersionIsTheCppOne) { EXPECT_EQ(std::string_view(burin_version()), version()); }

TEST(CApi, DefaultsAreTheCppOnes) {
  burin_load_options load;
  ASSERT_EQ(burin_load_options_init(&load, sizeof(load)), BURIN_OK);
  EXPECT_EQ(load.threads, LoadOptions().threads);
  EXPECT_EQ(load.emit, LoadOptions().emit ? 1 : 0);
  EXPECT_EQ(load.context, LoadOptions().context);
  EXPECT_EQ(load.chunk, LoadOptions().chunk);
  burin_sampling_options sampling;
  ASSERT_EQ(burin_sampling_options_init(&sampling, sizeof(sampling)), BURIN_OK);
  EXPECT_EQ(sampling.temperature, SamplingOptions().temperature);
  EXPECT_EQ(sampling.top_k, SamplingOptions().top_k);
  EXPECT_EQ(sampling.top_p, SamplingOptions().top_p);
  EXPECT_EQ(sampling.min_p, SamplingOptions().min_p);
  EXPECT_EQ(sampling.repeat_penalty, SamplingOptions().repeat_penalty);
  EXPECT_EQ(sampling.repeat_last, SamplingOptions().repeat_last);
  EXPECT_EQ(sampling.seed, SamplingOptions().seed);
  EXPECT_EQ(sampling.presence_penalty, SamplingOptions().presence_penalty);
  EXPECT_EQ(sampling.frequency_penalty, SamplingOptions().frequency_penalty);
  EXPECT_EQ(sampling.typical, SamplingOptions().typical);
  EXPECT_EQ(sampling.xtc_probability, SamplingOptions().xtc_probability);
  EXPECT_EQ(sampling.xtc_threshold, SamplingOptions().xtc_threshold);
  EXPECT_EQ(sampling.dynatemp_range, SamplingOptions().dynatemp_range);
  EXPECT_EQ(sampling.dynatemp_exponent, SamplingOptions().dynatemp_exponent);
  EXPECT_EQ(sampling.dry_multiplier, SamplingOptions().dry_multiplier);
  EXPECT_EQ(sampling.dry_base, SamplingOptions().dry_base);
  EXPECT_EQ(sampling.dry_allowed_length, SamplingOptions().dry_allowed_length);
  EXPECT_EQ(sampling.dry_penalty_last_n, SamplingOptions().dry_penalty_last_n);
  EXPECT_EQ(sampling.dry_sequence_breakers, nullptr);
  EXPECT_EQ(sampling.mirostat, SamplingOptions().mirostat);
  EXPECT_EQ(sampling.mirostat_tau, SamplingOptions().mirostat_tau);
  EXPECT_EQ(sampling.mirostat_eta, SamplingOptions().mirostat_eta);
  EXPECT_EQ(sampling.logit_bias_count, 0u);
  EXPECT_EQ(sampling.grammar, nullptr);
  EXPECT_EQ(sampling.json_schema, nullptr);
  burin_generation_options generation;
  ASSERT_EQ(burin_generation_options_init(&generation, sizeof(generation)), BURIN_OK);
  EXPECT_EQ(generation.max_new_tokens, GenerationOptions().max_new_tokens);
}

TEST(CApi, SamplingOptionsReachTheSampler) {
  burin_load_options load;
  ASSERT_EQ(burin_load_options_init(&load, sizeof(load)), BURIN_OK);
  load.cache_folder = "";
  burin_model* model = nullptr;
  ASSERT_EQ(burin_model_load(kDemo.c_str(), &load, &model), BURIN_OK) << burin_last_error();
  burin_session* session = nullptr;
  ASSERT_EQ(burin_session_create(model, nullptr, &session), BURIN_OK);
  const burin_token prompt = 50;
  ASSERT_EQ(burin_sessions_evaluate_together(&session, &prompt, 1), BURIN_OK);
  EXPECT_EQ(burin_sessions_evaluate_together(&session, nullptr, 1), BURIN_INVALID_ARGUMENT);
  EXPECT_THAT(burin_last_error(), HasSubstr("tokens: is null"));

  burin_sampling_options options;
  ASSERT_EQ(burin_sampling_options_init(&options, sizeof(options)), BURIN_OK);
  const burin_token tokens[] = {7, 8};
  const float biases[] = {1000, 2000};
  options.temperature = 0;
  options.logit_bias_tokens = tokens;
  options.logit_biases = biases;
  options.logit_bias_count = 2;
  burin_token token = -1;
  ASSERT_EQ(burin_session_set_sampling(session, &options), BURIN_OK);
  ASSERT_EQ(burin_session_sample(session, &token), BURIN_OK);
  EXPECT_EQ(token, 8);
  options.logit_biases = nullptr;
  EXPECT_EQ(burin_session_set_sampling(session, &options), BURIN_INVALID_ARGUMENT);
  EXPECT_THAT(burin_last_error(), HasSubstr("logit_biases: is null"));
  options.logit_bias_count = 0;
  options.dry_multiplier = 1;
  options.dry_sequence_breaker_count = 1;
  EXPECT_EQ(burin_session_set_sampling(session, &options), BURIN_INVALID_ARGUMENT);
  EXPECT_THAT(burin_last_error(), HasSubstr("dry_sequence_breakers: is null"));
  const char* const breaker = "";
  options.dry_sequence_breakers = &breaker;
  EXPECT_EQ(burin_session_set_sampling(session, &options), BURIN_INVALID_ARGUMENT);
  EXPECT_THAT(burin_last_error(), HasSubstr("dry_sequence_breakers: one has 0 bytes"));
  options.dry_sequence_breakers = nullptr;
  options.dry_sequence_breaker_count = 0;
  options.grammar = "root ::= x";
  EXPECT_EQ(burin_session_set_sampling(session, &options), BURIN_INVALID_ARGUMENT);
  EXPECT_THAT(burin_last_error(), HasSubstr("grammar: line 1, column 10: rule x is unknown"));
  options.json_schema = "{}";
  EXPECT_EQ(burin_session_set_sampling(session, &options), BURIN_INVALID_ARGUMENT);
  EXPECT_THAT(burin_last_error(), HasSubstr("json_schema: it stands beside a grammar"));
  options.grammar = nullptr;
  ASSERT_EQ(burin_session_set_sampling(session, &options), BURIN_OK) << burin_last_error();
  ASSERT_EQ(burin_session_sample(session, &token), BURIN_OK);
  options.mirostat = 1;
  EXPECT_EQ(burin_session_set_sampling(session, &options), BURIN_INVALID_ARGUMENT);
  burin_session_free(session);
  burin_model_free(model);
}

TEST(CApi, QuantisesOnLoad) {
  burin_quantization quantization;
  ASSERT_EQ(burin_quantization_init(&quantization, sizeof(quantization)), BURIN_OK);
  quantization.weight_dtype = "int4";
  burin_load_options options;
  ASSERT_EQ(burin_load_options_init(&options, sizeof(options)), BURIN_OK);
  options.cache_folder = "";
  options.quantization = &quantization;
  burin_model* model = nullptr;
  EXPECT_EQ(burin_model_load(kDemo.c_str(), &options, &model), BURIN_OK) << burin_last_error();
  burin_model_free(model);
  quantization.scheme = "neither";
  EXPECT_EQ(burin_model_load(kDemo.c_str(), &options, &model), BURIN_INVALID_ARGUMENT);
  EXPECT_THAT(burin_last_error(), HasSubstr("scheme: 'neither'"));
}

TEST(CApi, StatusesHaveNames) {
  EXPECT_THAT(burin_status_name(BURIN_OK), StrEq("ok"));
  EXPECT_THAT(burin_status_name(BURIN_OUT_OF_MEMORY), StrEq("out_of_memory"));
  EXPECT_THAT(burin_status_name(BURIN_BUFFER_TOO_SMALL), StrEq("buffer_too_small"));
  for (const int unknown : {-1, 10, 1000}) EXPECT_THAT(burin_status_name(unknown), StrEq("unknown"));
}

TEST(CApi, EachThreadHasItsLastError) {
  burin_model* model = nullptr;
  EXPECT_EQ(burin_model_load("/none/one", nullptr, &model), BURIN_LOAD_FAILED);
  std::thread([] {
    EXPECT_THAT(burin_last_error(), StrEq(""));
    burin_model* other = nullptr;
    EXPECT_EQ(burin_model_load("/none/two", nullptr, &other), BURIN_LOAD_FAILED);
    EXPECT_THAT(burin_last_error(), HasSubstr("/none/two"));
  }).join();
  EXPECT_THAT(burin_last_error(), HasSubstr("/none/one"));
}

TEST(CApi, LongMessagesAreCutBetweenCharacters) {
  std::string path = "/";
  while (path.size() < 5000) path += "\xe2\x82\xac";  // a character of three bytes
  for (int i = 0; i < 3; ++i) {
    burin_model* model = nullptr;
    EXPECT_EQ(burin_model_load(path.c_str(), nullptr, &model), BURIN_LOAD_FAILED);
    const std::string message = burin_last_error();
    EXPECT_LE(message.size(), 2047u);
    EXPECT_GE(message.size(), 2000u);
    EXPECT_EQ(message.substr(message.size() - 3), "\xe2\x82\xac");
    path.insert(path.begin(), '/');
  }
}

}  // namespace
}  // namespace burin::tests
