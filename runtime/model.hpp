// Loading a model: weights, kernels and plan, to be shared by sessions.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "graph/plan_options.hpp"
#include "runtime/files/model_file.hpp"
#include "runtime/tokenizer/tokenizer.hpp"
#include "templates/emitters.hpp"

namespace burin::graph {
struct Plan;
}

namespace burin::runtime {

// Weights of so many bytes are worth a file: fewer are packed as soon as they are read.
inline constexpr std::uint64_t kLeastKeptBytes = std::uint64_t{256} << 20;

struct LoadOptions {
  int threads = 0;                // 0: default_thread_count()
  std::string target = "detect";  // see jit::parse_target
  graph::PlanOptions plan;        // compute and KV types, quantise on load, context, chunk
  std::string cache_folder;       // kernels on disk; empty: none (see default_cache_folder)
  bool kept_weights = false;      // map packed weights that are kept there, too (see keep_weights())
  std::uint64_t least_kept_bytes = kLeastKeptBytes;
  std::vector<std::string> bundles;      // files of `burin pregen`; asked before the cache
  bool emit = kernels::has_emitters();   // false: kernels come from bundles and cache, or loading fails
  std::function<bool(double)> progress;  // 0..1 while weights are packed; false cancels
};

struct LoadStatistics {
  double seconds = 0;
  int kernels_emitted = 0;
  int kernels_from_disk = 0;
  int kernels_from_bundle = 0;
  double emit_milliseconds = 0;
  double disk_milliseconds = 0;
  std::uint64_t weight_bytes = 0;
  bool weights_from_disk = false;  // packed before and kept
  std::vector<std::string> notes;  // what a user should know, a sentence each: trouble with the cache
};

// What there is of a model before its weights are packed, which takes long.
struct OpenedModel {
  std::unique_ptr<ModelFile> file;
  std::unique_ptr<Tokenizer> tokenizer;
};
// Throws burin::Error for a file that is damaged or not supported, naming what would work.
OpenedModel open_model(const std::string& path);

// Weights, kernels and plan of one model. Immutable after load; shared by sessions and threads.
class Model {
 public:
  // Throws burin::Error for a file that is damaged or not supported, naming what would work.
  static std::shared_ptr<const Model> load(const std::string& path, const LoadOptions& options);
  static std::shared_ptr<const Model> load(OpenedModel opened, const LoadOptions& options);
  // A model of random weights with the shape of a well-known one: "llama-7b:8" (8 layers).
  static std::shared_ptr<const Model> synthetic(const std::string& shape, const LoadOptions& options);
  ~Model();

  // Bytes of packed weights that keep_weights() would write. 0: they came from there, are so few that packing them again is
  // as good, or LoadOptions::kept_weights is false.
  std::uint64_t weights_to_keep() const;
  std::string kept_weights_path() const;  // where
  // Keeps them beside the kernels, so that the next load maps them. progress is called with 0..1; false ends it, and nothing
  // is left. Returns whether they are kept. Throws burin::Error where the folder cannot be used, the disk would be left with
  // less room than they take, or the system refuses.
  bool keep_weights(const std::function<bool(double)>& progress) const;

  bool has_tokenizer() const;
  const Tokenizer& tokenizer() const;  // throws burin::Error for synthetic models
  const graph::Plan& plan() const;
  const LoadStatistics& statistics() const;
  const std::string& target_name() const;
  std::int64_t vocabulary_size() const;
  std::int64_t context_length() const;  // that sessions are given
  int threads() const;                  // of each session

  struct State;
  const State& state() const { return *state_; }

 private:
  explicit Model(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace burin::runtime
