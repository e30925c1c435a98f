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
  /// What is multiplied: "int8" (activations are quantised on the fly, per row and group of weights),
  /// "int8-row" (per row: faster, and coarser where activations have outliers), "int8-bf16" (prompts in bf16), "bf16"
  /// or "fp16" (prompts; single tokens in f32), "fp32", or "auto": int8 for integer weights (int8-bf16 on CPUs with
  /// AMX-BF16, where it is faster), bf16 for bf16 ones on CPUs that multiply it, else fp32.
  std::string compute_dtype = "auto";
  /// "int1" to "int8", "nf4", "fp4" (or "fp4_e2m1_bnb"), "mxfp4", "nvfp4", "iq4nl", "fp8_e4m3" (or
  /// "e4m3"), "fp8_e5m2", "fp16", "bf16", "fp32". "int4_clip" is int4.
  std::string weight_dtype = "int4";
  /// Weights per scale, along the input: 16, or 32 to 1024 in steps of 32; -1: all inputs of an output; 16 or 32
  /// with two-level scales. 0: 32, or 64 for nf4 and fp4, 128 for fp8.
  int group_size = 0;
  /// "sym" or "asym" (a minimum per group besides the scale; integers only).
  std::string scheme = "sym";
  /// "fp32", "fp16", "bf16", "two-level" (as in GGUF's K-quants), or "auto": fp16, but fp32 for
  /// nf4, fp4 and fp8.
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
  /// "auto", "int8", "int8-row", "int8-bf16", "bf16" or "f16" (prompts; single tokens in f32) or "f32"; see
  /// WeightOnlyQuantConfig::compute_dtype.
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
  /// Map packed weights that Model::keep_weights() has put into that folder before, instead of packing the model's again: a
  /// start of seconds takes a fraction of one. They are verified; those of other files, options or versions are not used.
  bool kept_weights = false;
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

/// What is added to the logit of one token.
struct LogitBias {
  TokenId token = 0;
  float bias = 0;  ///< -inf: the token is never picked
};

/// How a token is picked from logits, as users of llama.cpp know it: logit bias, penalties, DRY, top-k, typical,
/// top-p, min-p, XTC, temperature, draw, in this order; with Mirostat logit bias, penalties, DRY, temperature,
/// Mirostat. The same options and logits give the same tokens on every machine. See docs/SAMPLING.md.
struct SamplingOptions {
  float temperature = 0.8f;     ///< 0 to 100; 0: always the best token
  int top_k = 40;               ///< keep the k best; 0: all
  float top_p = 0.95f;          ///< keep the best up to this probability, 0 to 1; 1: all
  float min_p = 0.05f;          ///< keep those at least so probable, as a share of the best; 0: all
  float repeat_penalty = 1.0f;  ///< 0.01 to 100; 1: none
  int repeat_last = 64;         ///< tokens back that the penalties look, 0 to 2^20
  std::uint64_t seed = 0;

  float presence_penalty = 0;   ///< off the logits of tokens that came up, -100 to 100
  float frequency_penalty = 0;  ///< the same, times how often they did
  float typical = 1;            ///< keep the most typical up to this probability, 0 to 1; 1: all
  float xtc_probability = 0;    ///< how often all top choices but the last are excluded, 0 to 1
  float xtc_threshold = 0.1f;   ///< what a top choice is: at least so probable; above 0.5: none is
  float dynatemp_range = 0;     ///< how far the temperature moves with the entropy, 0 to 100; 0: not
  float dynatemp_exponent = 1;  ///< 0 to 100
  float dry_multiplier = 0;     ///< of DRY's penalty on going on with repeats, 0 to 100; 0: none
  float dry_base = 1.75f;       ///< of its power, 1 to 100
  int dry_allowed_length = 2;   ///< longest repeat in tokens without penalty but the multiplier, 1 to 2^20
  int dry_penalty_last_n = 64;  ///< tokens back that DRY looks, 0 to 2^20
  /// Texts that repeats do not reach over: up to 64, of 1 to 40 bytes. Not for models without a tokenizer.
  std::vector<std::string> dry_sequence_breakers = {"\n", ":", "\"", "*"};
  int mirostat = 0;                        ///< 2: Mirostat 2.0 in place of top-k to XTC; 0: not
  float mirostat_tau = 5;                  ///< surprise it aims at, in bits, 0 to 100
  float mirostat_eta = 0.1f;               ///< how fast it learns, 0 to 1
  std::vector<LogitBias> logit_bias = {};  ///< up to 2^20; of several for one token, all are added
  /// The text follows this grammar, in GBNF as llama.cpp has it; empty: any. It follows what sampling picked and was
  /// then appended, and begins anew behind anything else, such as a prompt. Not for models without a tokenizer.
  std::string grammar = {};
  std::string json_schema = {};  ///< the text is JSON as this schema has it; in place of a grammar
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

/// Beam search: looks for the most probable text instead of drawing one, by the rules of Hugging Face's
/// generate(). See docs/SAMPLING.md.
struct BeamSearchOptions {
  int beams = 4;                ///< texts that are kept at every step, 1 to 64; 1: greedy
  double length_penalty = 1;    ///< scores are divided by length^this, -10 to 10: above 0 favours long texts
  bool early_stopping = false;  ///< end as soon as there are `beams` finished texts
  std::int64_t min_new_tokens = 0;  ///< no token ends the text before so many others
};

/// How text is generated.
struct GenerationOptions {
  /// Nothing: go on with the session's sampling. Else it is set anew, from its seed, and stays the session's.
  std::optional<SamplingOptions> sampling = {};
  std::int64_t max_new_tokens = -1;     ///< -1: until the model ends its text or the context is full
  std::vector<std::string> stops = {};  ///< the text ends before the first of these
  /// Given: beam search in place of sampling, which must not be given too. The session's own sampling takes no part,
  /// but is told of the text; one with a grammar or logit bias is refused, as the text would not follow it.
  std::optional<BeamSearchOptions> beam_search = {};
};

}  // namespace burin
