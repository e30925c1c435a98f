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
  burin_generation_options generation;
  ASSERT_EQ(burin_generation_options_init(&generation, sizeof(generation)), BURIN_OK);
  EXPECT_EQ(generation.max_new_tokens, GenerationOptions().max_new_tokens);
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
