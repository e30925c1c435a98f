// The shipped model through the public API, and what it must say.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "burin/burin.hpp"
#include "tests/support/reference_data.hpp"

namespace burin::tests {

inline const std::string kDemo = BURIN_SOURCE_DIR "/demo/shakespeare-q8_0.gguf";

// Without a kernel cache, and with few threads: tests share the machine.
inline LoadOptions quiet_options() {
  LoadOptions options;
  options.threads = 2;
  options.cache_folder = "";
  return options;
}

template <typename T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return *std::move(result);
}

inline Model demo_model(const LoadOptions& options = quiet_options()) {
  return value_of(Model::load(kDemo, options));
}

inline Session demo_session(const LoadOptions& options = quiet_options()) {
  return value_of(Session::create(demo_model(options)));
}

struct DemoReference {
  std::string prompt;
  std::vector<TokenId> tokens;  // of the prompt
  std::vector<TokenId> greedy;
  std::string greedy_text;
};

inline DemoReference demo_reference() {
  const auto json = read_json(BURIN_SOURCE_DIR "/demo/reference.json");
  return {json["prompt"], json["tokens"], json["greedy"], json["greedy_text"]};
}

inline GenerationOptions greedy(std::int64_t tokens) {
  GenerationOptions options;
  options.sampling = SamplingOptions{.temperature = 0};
  options.max_new_tokens = tokens;
  return options;
}

// The code of a failure that must be there, and whose message must hold `part`.
template <typename T>
testing::AssertionResult fails(const Result<T>& result, ErrorCode code, const std::string& part) {
  if (result) return testing::AssertionFailure() << "it did not fail";
  const Failure& failure = result.error();
  if (failure.code == code && failure.message.find(part) != std::string::npos &&
      failure.message.find('\n') == std::string::npos)
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << to_text(failure.code) << ": " << failure.message;
}

}  // namespace burin::tests
