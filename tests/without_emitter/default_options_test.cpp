// Hosts of a library without the emitter give a bundle, and leave all else as it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "burin/burin.h"
#include "burin/burin.hpp"
#include "runtime/model.hpp"
#include "tests/support/run_command.hpp"

namespace burin::tests {
namespace {

using testing::HasSubstr;

const std::string kDemo = BURIN_SOURCE_DIR "/demo/shakespeare-q8_0.gguf";

class DefaultOptions : public testing::Test {
 protected:
  void SetUp() override {
    const CommandResult result =
        run_program(BURIN_FULL_BINARY, {"pregen", "--model", kDemo, "--target", "haswell", "-o", bundle()});
    ASSERT_EQ(result.status, 0) << result.errors;
    // Where the kernel cache is looked for.
    ASSERT_EQ(setenv("BURIN_CACHE_DIR", (folder_ / "cache").c_str(), 1), 0);
  }
  std::string bundle() const { return (folder_ / "kernels.bnd").string(); }

  const TemporaryFolder folder_;
};

TEST_F(DefaultOptions, LoadABundleInTheRuntime) {
  runtime::LoadOptions options;
  EXPECT_FALSE(options.emit);
  options.bundles = {bundle()};
  const auto model = runtime::Model::load(kDemo, options);
  EXPECT_EQ(model->target_name(), "haswell");  // the best of the bundle
  EXPECT_GT(model->statistics().kernels_from_bundle, 10);
  EXPECT_EQ(model->statistics().kernels_emitted, 0);
}

TEST_F(DefaultOptions, LoadABundleInCpp) {
  EXPECT_FALSE(has_emitter());
  const auto model = Model::load(kDemo, {.kernel_bundles = {bundle()}});
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->target(), "haswell");
  EXPECT_GT(model->statistics().kernels_from_bundle, 10);
  auto session = Session::create(*model);
  ASSERT_TRUE(session) << session.error().message;
  const auto text = session->generate("ROMEO:\nWhat light",
                                      {.sampling = SamplingOptions{.temperature = 0}, .max_new_tokens = 8});
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_THAT(text->text, HasSubstr("s that said"));
}

TEST_F(DefaultOptions, LoadABundleInC) {
  burin_load_options options;
  ASSERT_EQ(burin_load_options_init(&options, sizeof(options)), BURIN_OK);
  EXPECT_EQ(options.emit, 0);
  const std::string file = bundle();
  const char* const bundles[] = {file.c_str()};
  options.kernel_bundles = bundles;
  options.kernel_bundle_count = 1;
  burin_model* model = nullptr;
  ASSERT_EQ(burin_model_load(kDemo.c_str(), &options, &model), BURIN_OK) << burin_last_error();
  burin_session* session = nullptr;
  EXPECT_EQ(burin_session_create(model, nullptr, &session), BURIN_OK) << burin_last_error();
  burin_model_free(model);
  const burin_token token = 50;
  EXPECT_EQ(burin_session_evaluate(session, &token, 1), BURIN_OK) << burin_last_error();
  burin_session_free(session);
}

TEST_F(DefaultOptions, SayWhatIsMissingWithoutABundle) {
  const auto model = Model::load(kDemo);
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, ErrorCode::load_failed);
  EXPECT_THAT(model.error().message, HasSubstr("missing"));
  const auto nowhere = Model::load(kDemo, {.cache_folder = ""});
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(nowhere.error().message, HasSubstr("without the emitter"));
}

TEST_F(DefaultOptions, WhoeverWantsEmissionIsRefused) {
  const auto model = Model::load(kDemo, {.kernel_bundles = {bundle()}, .emit = true});
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(model.error().message, HasSubstr("emit: true"));
}

}  // namespace
}  // namespace burin::tests
