/// @file
/// Loading a model.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "burin/export.h"
#include "burin/options.hpp"
#include "burin/result.hpp"
#include "burin/streamer.hpp"
#include "burin/tokenizer.hpp"

namespace burin {

namespace api {
struct ModelState;
}

/// Where the kernels of a model came from, and what loading took.
struct LoadStatistics {
  double seconds = 0;
  std::int64_t weight_bytes = 0;  ///< as packed
  int kernels_emitted = 0;
  int kernels_from_disk = 0;
  int kernels_from_bundle = 0;
  double emit_milliseconds = 0;
  bool weights_from_disk = false;  ///< were packed before, and kept
};

/// Weights, kernels and plan of one model: immutable, and shared by any number of sessions and threads. A
/// cheap handle: copies share the model, which is freed with the last handle, tokenizer or session on it,
/// whatever the order. All functions may be called by many threads at once; those of a moved-from handle fail
/// with ErrorCode::invalid_argument or return zero.
class BURIN_API Model {
 public:
  /// Loads a GGUF file, a folder in Hugging Face's layout or a llama2.c file. The file must not change as
  /// long as the model lives.
  ///
  /// Fails with invalid_argument for options out of range or not supported (the message names what would
  /// work), load_failed, cancelled, out_of_memory or callback_threw.
  static Result<Model> load(std::string_view path, const LoadOptions& options = {}) noexcept;

  /// The same under the name and with the switches that users of Hugging Face know:
  /// `burin::Model::from_pretrained(path, {.load_in_4bit = true})`. The path is a local one: nothing is
  /// fetched.
  static Result<Model> from_pretrained(std::string_view path, const PretrainedOptions& options = {}) noexcept;

  Model(const Model&) noexcept;
  Model(Model&&) noexcept;
  Model& operator=(const Model&) noexcept;
  Model& operator=(Model&&) noexcept;
  ~Model();

  /// A sequence of its own, from prompt to end of text: makes a session, generates and forgets it.
  /// @param inputs   token ids of the prompt, at least one
  /// @param streamer may be null; gets prompt and new tokens, then end()
  /// @return prompt and new tokens, as Hugging Face's `generate` has it
  /// Fails as Session::create and Session::generate do.
  Result<std::vector<TokenId>> generate(std::span<const TokenId> inputs,
                                        const GenerationOptions& options = {},
                                        Streamer* streamer = nullptr) const noexcept;

  /// Writes the packed weights to the cache folder, from which a load with LoadOptions::kept_weights maps them. They take
  /// LoadStatistics::weight_bytes, all that are kept 32 GiB at most: the least recently used go. May take as long as the disk
  /// does, and be called while others use the model.
  /// @return whether they are there: false where kept_weights was false, or there is no cache folder
  /// Fails with failed where the folder cannot be used, or the disk would be left with less room than they take.
  Result<bool> keep_weights() const noexcept;

  /// The model's own tokenizer. Fails with invalid_argument for a moved-from handle only.
  Result<Tokenizer> tokenizer() const noexcept;

  std::int64_t vocabulary_size() const noexcept;  ///< floats of Session::logits()
  std::int64_t context_length() const noexcept;   ///< tokens that each session has room for
  int threads() const noexcept;                   ///< of each session
  /// The CPU that kernels were made for, valid as long as any handle on this model.
  std::string_view target() const noexcept;
  LoadStatistics statistics() const noexcept;  ///< of loading it; zeros for a moved-from handle

 private:
  friend class Session;
  explicit Model(std::shared_ptr<const api::ModelState> state) noexcept;
  std::shared_ptr<const api::ModelState> state_;
};

/// Makes kernels known that were linked into the program: what `burin pregen -o NAME.o` wrote, whose symbol is
/// `extern "C" const char burin_kernels_NAME[]`. From then on "linked:NAME" stands for a bundle's file in
/// LoadOptions::kernel_bundles, and no memory is made executable for them. Thread-safe; they must stay where they
/// are. Fails with invalid_argument for something else, or out_of_memory.
BURIN_API Result<void> add_linked_kernels(const void* kernels) noexcept;

}  // namespace burin
