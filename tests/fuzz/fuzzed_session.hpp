// A session that saved sequences are restored to, and its sampler.
#pragma once

#include <memory>
#include <span>

#include "jit/sha256.hpp"
#include "runtime/sampling/model_vocabulary.hpp"
#include "runtime/sampling/sampler.hpp"
#include "tests/fuzz/fuzzed_model.hpp"
#include "tests/support/gguf_writer.hpp"
#include "tests/support/load_model.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::tests {

struct FuzzedSession {
  std::shared_ptr<const runtime::Model> model;
  runtime::Session session;
  runtime::Sampler sampler;

  explicit FuzzedSession(std::shared_ptr<const runtime::Model> of)
      : model(std::move(of)),
        session(model, {.endless = true, .keep = 4, .discard = 20}),
        sampler(options(), vocabulary_of(*model)) {}

  // With all that a file can hold.
  static runtime::SamplingOptions options() {
    runtime::SamplingOptions options;
    options.repeat_penalty = 1.3f;
    options.repeat_last = 5;
    options.dry_multiplier = 0.5f;
    options.dry_sequence_breakers = {"\n", "th"};
    options.mirostat = 2;
    options.logit_bias = {{100, -1}, {101, 0.5f}};
    options.grammar = "root ::= [a-z ]* (\".\" root)?";
    return options;
  }
};

inline FuzzedSession fuzzed_session() {
  const TemporaryFolder folder;
  const std::string path = folder.write("tiny.gguf", tiny_gguf(fuzzed_model()).bytes());
  return FuzzedSession(load_model(path, {.target = "avx2", .threads = 1, .context = 40}));
}

// Puts the SHA-256 at the end right.
inline void seal_sequence(std::span<std::uint8_t> file) {
  if (file.size() < sizeof(jit::Digest)) return;
  const std::span<std::uint8_t> body = file.first(file.size() - sizeof(jit::Digest));
  const jit::Digest digest = jit::sha256(std::span<const std::uint8_t>(body));
  std::copy(digest.begin(), digest.end(), file.begin() + static_cast<std::ptrdiff_t>(body.size()));
}

}  // namespace burin::tests
