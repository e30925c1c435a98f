/// @file
/// What can be chosen when loading, and when generating text. All structs are plain aggregates whose defaults
/// are what most programs want: name only what differs, as in `{.threads = 4, .context = 8192}`.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "burin/executor.hpp"
#include "burin/export.h"

namespace burin {

using TokenId = std::int32_t;

/// Whether this library can emit kernels: false where it was built with -DBURIN_EMITTER=OFF and takes them from
/// bundles, linked objects and the cache only. Thread-safe.
BURIN_API bool has_emitter() noexcept;

enum class LogLevel : std::int32_t { error = 0, warn = 1, info = 2, debug = 3 };

/// Quantise linear layers while loading: the fields that users of Intel Extension for Transformers know.
/// Values that are not supported are refused by name. Types may be spelled "fp32" or "f32", "fp16" or "f16".
struct WeightOnlyQuantConfig {
  /// What is multiplied: "int8" (activations are quantised on the fly), "fp32", or "auto": int8 where the
  /// weights allow it.
  std::string compute_dtype = "auto";
  /// "int1" to "int8", "nf4", "fp4" (or "fp4_e2m1_bnb"), "mxfp4", "iq4nl", "fp16", "bf16", "fp32".
  /// "int4_clip" is int4.
  std::string weight_dtype = "int4";
  /// Weights per scale, along the input: 32 to 1024 in steps of 32, or 16 and 32 with two-level scales. 0:
  /// 32, or 64 for nf4 and fp4.
  int group_size = 0;
  /// "sym" or "asym" (a minimum per group besides the scale; integers only).
  std::string scheme = "sym";
  /// "fp32", "fp16", "bf16", "two-level" (as in GGUF's K-quants), or "auto": fp16, but fp32 for nf4 and fp4.
  std::string scale_dtype = "auto";
};

/// How a model is loaded. Callbacks are called by the loading thread only, and not after the call that they
/// were given to has returned.
struct LoadOptions {
  /// Threads of each session, 1 to 1024. 0: one per physical core that this process may use; with an
  /// executor, its concurrency.
  int threads = 0;
  /// CPU to emit kernels for, which this machine must be able to stand in for: "detect", a name such as
  /// "haswell", or a list of features such as "avx2,fma,f16c".
  std::string target = "detect";
  /// "auto", "int8" or "f32".
  std::string compute = "auto";
  /// Numbers in the KV cache: "auto" (bf16, or f32 with f32 compute) or a type such as "bf16" or "f32".
  std::string kv = "auto";
  /// Quantise while loading. Nothing: weights stay as the file has them.
  std::optional<WeightOnlyQuantConfig> quantization = {};
  /// Tokens that a session has room for. 0: as the model was trained, at most 4096.
  std::int64_t context = 0;
  /// Most tokens that are evaluated at once, 1 to 65536: larger is faster, and takes more memory per session.
  std::int64_t chunk = 512;
  /// Folder that keeps emitted kernels for the next start. Nothing: $BURIN_CACHE_DIR, else
  /// $XDG_CACHE_HOME/burin, else ~/.cache/burin. Empty: none.
  std::optional<std::string> cache_folder = {};
  /// Files that `burin pregen` wrote; asked before the cache.
  std::vector<std::string> kernel_bundles = {};
  /// False: kernels come from bundles and cache only, and loading fails where one is missing. True is refused
  /// where the library has no emitter.
  bool emit = has_emitter();
  /// Threads of the host to compute on, shared with the model and its sessions. Null: the library's own,
  /// which sleep between calls.
  std::shared_ptr<Executor> executor = {};
  /// Told how much of the weights is packed, 0 to 1, about once per matrix.
  std::function<void(double)> on_progress = {};
  /// Asked as often; true ends the load with ErrorCode::cancelled.
  std::function<bool()> should_cancel = {};
  /// Told what a person should know: kernels that cannot be kept, steps that cannot be fused. One line each,
  /// without a line end, valid during the call. The library itself prints nothing.
  std::function<void(LogLevel, std::string_view)> on_log = {};
};

/// How Model::from_pretrained loads: the switches of Hugging Face's call, the rest in `load`.
struct PretrainedOptions {
  bool load_in_4bit = false;  ///< int4 in groups of 32, or quantization_config where it says how
  bool load_in_8bit = false;  ///< int8 likewise
  std::optional<WeightOnlyQuantConfig> quantization_config = {};
  LoadOptions load = {};  ///< its `quantization` must be empty
};

/// How a token is picked from logits: penalty, top-k, top-p, min-p, temperature, draw, in this order. The
/// same options and logits give the same tokens on every machine.
struct SamplingOptions {
  float temperature = 0.8f;     ///< 0 to 100; 0: always the best token
  int top_k = 40;               ///< keep the k best; 0: all
  float top_p = 0.95f;          ///< keep the best up to this probability, 0 to 1; 1: all
  float min_p = 0.05f;          ///< keep those at least so probable, as a share of the best; 0: all
  float repeat_penalty = 1.0f;  ///< 0.01 to 100; 1: none
  int repeat_last = 64;         ///< tokens back that the penalty looks, 0 to 2^20
  std::uint64_t seed = 0;
};

/// How a session is made.
struct SessionOptions {
  SamplingOptions sampling = {};
  /// When the context is full, tokens are discarded, so that text goes on for ever (StreamingLLM: Xiao et
  /// al., 2024). Else a full context is ErrorCode::context_full.
  bool endless = false;
  std::int64_t keep = 4;      ///< endless: of the first tokens that always stay, 0 to context - 1
  std::int64_t discard = -1;  ///< endless: how many behind them go at once; -1: half of those that may
  /// Take memory for the whole context at once, and not in blocks of 64 tokens as they come.
  bool reserve_memory = false;
};

/// How text is generated.
struct GenerationOptions {
  /// Nothing: go on with the session's sampling. Else it is set anew, from its seed, and stays the session's.
  std::optional<SamplingOptions> sampling = {};
  std::int64_t max_new_tokens = -1;     ///< -1: until the model ends its text or the context is full
  std::vector<std::string> stops = {};  ///< the text ends before the first of these
};

}  // namespace burin
