/** @file
 *  The Burin runtime inside other programs, from C and whatever calls C. See docs/EMBEDDING.md for a tour.
 *
 *  **Errors.** Functions that can fail return a burin_status; BURIN_OK is 0. burin_last_error() then says
 *  what is wrong. Out-parameters are written on success only, unless the function says otherwise. Null
 *  handles, null out-parameters and the like are refused with BURIN_INVALID_ARGUMENT; freeing null does
 *  nothing. No function throws, prints, exits, or changes signal handlers, locale, rounding mode or affinity
 *  of the host.
 *
 *  **Strings** are UTF-8. Those that go in are copied before the function returns. Those that come out as
 *  `const char*` belong to the library and live as long as the function says; text of any length is written
 *  to a buffer of the caller.
 *
 *  **Structs** begin with their size: a host that was compiled against an older header has smaller ones, and
 *  fields it does not know have their defaults. Set them up with the matching burin_..._init(&x, sizeof x).
 *  A struct that is larger than the library knows is refused if what it does not know is not zero.
 *
 *  **Threads.** Models and tokenizers may be used by many threads at once. A session is to be used by one
 *  thread at a time (any), but for burin_session_cancel(); a call while another one is under way is refused
 *  with BURIN_BUSY. A handle must not be freed while another thread uses the same handle.
 *
 *  **Lifetimes.** Handles may be freed in any order: a session or tokenizer keeps what it needs of its model.
 */
#ifndef BURIN_BURIN_H
#define BURIN_BURIN_H

#include <stddef.h>
#include <stdint.h>

#include "burin/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Index of a token in the vocabulary. */
typedef int32_t burin_token;

/** How a call ended. Values stay; new ones may come. */
typedef int32_t burin_status;
enum {
  BURIN_OK = 0,
  BURIN_INVALID_ARGUMENT = 1, /**< the call itself: null, out of range, not supported, unknown token */
  BURIN_LOAD_FAILED = 2,    /**< a file that is missing, damaged or not supported; kernels that are missing */
  BURIN_CONTEXT_FULL = 3,   /**< the tokens do not fit into the session's context */
  BURIN_CANCELLED = 4,      /**< a callback or burin_session_cancel() ended the call */
  BURIN_BUSY = 5,           /**< another call is using the session */
  BURIN_OUT_OF_MEMORY = 6,  /**< the system refused memory */
  BURIN_CALLBACK_THREW = 7, /**< a callback let an exception (of C++) out */
  BURIN_FAILED = 8,         /**< anything else */
  BURIN_BUFFER_TOO_SMALL = 9 /**< the caller's buffer; the size it needs was written */
};

/** Importance of a line that is logged. */
typedef int32_t burin_log_level;
enum { BURIN_LOG_ERROR = 0, BURIN_LOG_WARN = 1, BURIN_LOG_INFO = 2, BURIN_LOG_DEBUG = 3 };

/** Why generation ended. */
typedef int32_t burin_stop_reason;
enum {
  BURIN_STOP_END_OF_TEXT = 0, /**< the model ended its text */
  BURIN_STOP_LENGTH = 1,      /**< max_new_tokens */
  BURIN_STOP_CONTEXT = 2,     /**< the context is full */
  BURIN_STOP_TEXT = 3,        /**< a stop text came */
  BURIN_STOP_STOPPED = 4      /**< by the callback or burin_session_cancel() */
};

typedef struct burin_model burin_model;         /**< weights, kernels and plan; immutable */
typedef struct burin_tokenizer burin_tokenizer; /**< text to ids and back; immutable */
typedef struct burin_session burin_session;     /**< one sequence: KV cache, position, sampling */

/** Threads of the host to compute on. See burin/executor.hpp for what `run` must hold to: above all, the
 *  bodies of one call meet at barriers, so all of them must truly run at once, each on a thread of its own. */
typedef struct burin_executor {
  size_t size;         /**< sizeof(burin_executor) */
  void* self;          /**< the first argument of `run` and `release` */
  int32_t concurrency; /**< the most bodies that `run` can run at once, at least 1 */
  /** Calls body(context, i) for i from 0 to count - 1, all at once, and returns when all have returned. May
   *  be called by several threads. */
  void (*run)(void* self, int32_t count, void (*body)(void* context, int index), void* context);
  /** Called once for every burin_model_load() that read this struct, when nothing uses the executor any more
   *  (also where loading fails), by the thread that let go of it last; may be null. */
  void (*release)(void* self);
} burin_executor;

/** Quantise linear layers while loading; null strings are the defaults of burin/options.hpp. */
typedef struct burin_quantization {
  size_t size;               /**< sizeof(burin_quantization) */
  const char* compute_dtype; /**< "auto", "int8", "int8-row", "int8-bf16", "bf16", "fp16", "fp32" */
  const char* weight_dtype;  /**< "int1" to "int8", "nf4", "fp4", "mxfp4", "nvfp4", "iq4nl", "fp8_e4m3", "fp8_e5m2", "fp16",
                                  "bf16", "fp32" */
  const char* scheme;        /**< "sym", "asym" */
  const char* scale_dtype;   /**< "auto", "fp32", "fp16", "bf16", "two-level" */
  int32_t group_size; /**< weights per scale: 16, or 32 to 1024 in steps of 32; -1: a whole row; 0: 32, or 64 for nf4 and fp4,
                           128 for fp8 */
} burin_quantization;

/** How a model is loaded; defaults by burin_load_options_init(). What is pointed to must live until
 *  burin_model_load() returns; callbacks are called by the loading thread only, and not after it. */
typedef struct burin_load_options {
  size_t size;     /**< sizeof(burin_load_options) */
  int32_t threads; /**< of each session, to 1024; 0: one per physical core, or the executor's concurrency */
  int32_t emit;    /**< 0: kernels come from bundles and cache only, or loading fails; default 1, but 0 where
                    *   the library was built without the emitter, which refuses 1 */
  int64_t context; /**< tokens that a session has room for; 0: as trained, at most 4096 */
  int64_t chunk;   /**< most tokens evaluated at once, 1 to 65536; default 512 */
  const char* target;       /**< CPU to emit kernels for; null: this one */
  const char* compute;      /**< "auto", "int8", "int8-row", "int8-bf16", "bf16", "f16", "f32"; null: auto */
  const char* kv;           /**< numbers in the KV cache: "auto", "bf16", "f32" ...; null: auto */
  const char* cache_folder; /**< keeps kernels for the next start; null: the user's cache; "": none */
  const char* const* kernel_bundles; /**< files that `burin pregen` wrote */
  size_t kernel_bundle_count;
  const burin_quantization* quantization; /**< null: weights stay as the file has them */
  const burin_executor* executor;         /**< null: threads of the library, which sleep between calls */
  void* user;                             /**< the first argument of the callbacks */
  void (*on_progress)(void* user, double share); /**< 0 to 1, about once per matrix; may be null */
  int32_t (*should_cancel)(void* user); /**< asked as often; other than 0: BURIN_CANCELLED; may be null */
  /** Told what a person should know, a line without its end; `length` bytes with a 0 behind them, valid
   *  during the call; may be null. */
  void (*on_log)(void* user, burin_log_level level, const char* line, size_t length);
  int32_t kept_weights; /**< other than 0: map packed weights that burin_model_keep_weights() has put into the cache
                             folder; default 0 */
} burin_load_options;

/** How a token is picked; defaults by burin_sampling_options_init(). What is pointed to is copied by the call that the
 *  struct is given to. See docs/SAMPLING.md. */
typedef struct burin_sampling_options {
  size_t size;                /**< sizeof(burin_sampling_options) */
  float temperature;          /**< 0 to 100; 0: always the best token; default 0.8 */
  int32_t top_k;              /**< keep the k best; 0: all; default 40 */
  float top_p;                /**< keep the best up to this probability; 1: all; default 0.95 */
  float min_p;                /**< keep those this share as probable as the best; 0: all; default 0.05 */
  float repeat_penalty;       /**< 0.01 to 100; 1: none; default 1 */
  int32_t repeat_last;        /**< tokens back that the penalties look, to 2^20; default 64 */
  uint64_t seed;              /**< default 0 */
  float presence_penalty;     /**< off the logits of tokens that came up, -100 to 100; default 0 */
  float frequency_penalty;    /**< the same, times how often they did; default 0 */
  float typical;              /**< keep the most typical up to this probability; 1 (default): all */
  float xtc_probability;      /**< how often all top choices but the last are excluded; default 0 */
  float xtc_threshold;        /**< what a top choice is: at least so probable; above 0.5: none; default 0.1 */
  float dynatemp_range;       /**< how far the temperature moves with the entropy, to 100; default 0 */
  float dynatemp_exponent;    /**< 0 to 100; default 1 */
  float dry_multiplier;       /**< of DRY's penalty on going on with repeats, to 100; 0 (default): none */
  float dry_base;             /**< of its power, 1 to 100; default 1.75 */
  int32_t dry_allowed_length; /**< longest repeat in tokens that costs the multiplier only; default 2 */
  int32_t dry_penalty_last_n; /**< tokens back that DRY looks, to 2^20; default 64 */
  int32_t mirostat;           /**< 2: Mirostat 2.0 in place of top-k to XTC; 0 (default): not */
  /** Texts of 1 to 40 bytes that repeats do not reach over, up to 64; null (default): line end, ":", "\"", "*". */
  const char* const* dry_sequence_breakers;
  size_t dry_sequence_breaker_count;    /**< 0 where the pointer is not null: none */
  float mirostat_tau;                   /**< surprise it aims at, in bits, to 100; default 5 */
  float mirostat_eta;                   /**< how fast it learns, to 1; default 0.1 */
  const burin_token* logit_bias_tokens; /**< tokens whose logits change; of several for one, all are added */
  const float* logit_biases;            /**< what is added; -INFINITY: the token is never picked */
  size_t logit_bias_count;              /**< of both, to 2^20; default 0 */
  /** The text follows this grammar, in GBNF as llama.cpp has it; null: any. It follows what sampling picked and was
   *  then appended, and begins anew behind anything else, such as a prompt. */
  const char* grammar;
  const char* json_schema; /**< the text is JSON as this schema has it; in place of a grammar; null: any */
} burin_sampling_options;

/** How a session is made; defaults by burin_session_options_init(). */
typedef struct burin_session_options {
  size_t size;                            /**< sizeof(burin_session_options) */
  const burin_sampling_options* sampling; /**< null: the defaults */
  int32_t endless;        /**< other than 0: when the context is full, tokens are discarded; default 0 */
  int32_t reserve_memory; /**< other than 0: for the whole context at once; default 0: 64 tokens at a time */
  int64_t keep;           /**< endless: of the first tokens that always stay; default 4 */
  int64_t discard; /**< endless: how many behind them go at once; -1 (default): half of those that may */
} burin_session_options;

/** Called for each new token by the generating thread; 0 ends the text after it. `text` is what became
 *  certain with this token: `length` bytes, whole UTF-8 characters, valid during the call, often none. What is
 *  left at the end comes with token -1, whose answer is not looked at. */
typedef int32_t (*burin_token_callback)(void* user, burin_token token, const char* text, size_t length);

/** Beam search: looks for the most probable text instead of drawing one, by the rules of Hugging Face's generate();
 *  defaults by burin_beam_search_options_init(). See docs/SAMPLING.md. */
typedef struct burin_beam_search_options {
  size_t size;            /**< sizeof(burin_beam_search_options) */
  int32_t beams;          /**< texts that are kept at every step, 1 to 64; 1: greedy; default 4 */
  int32_t early_stopping; /**< other than 0: end as soon as there are `beams` finished texts; default 0 */
  double length_penalty;  /**< scores are divided by length^this, -10 to 10; default 1 */
  int64_t min_new_tokens; /**< no token ends the text before so many others; default 0 */
} burin_beam_search_options;

/** Called for each text that beam search has found, best first, before the generating call returns. The score is the
 *  sum of the tokens' log-probabilities, the one that ends the text among them, by their number to the power of the
 *  length penalty. `tokens` are `count`, without the prompt; `text` is `length` bytes; both valid during the call. */
typedef void (*burin_beam_callback)(void* user, double score, const burin_token* tokens, size_t count,
                                    const char* text, size_t length);

/** How text is generated; defaults by burin_generation_options_init(). */
typedef struct burin_generation_options {
  size_t size;                            /**< sizeof(burin_generation_options) */
  int64_t max_new_tokens;                 /**< -1 (default): until the text ends or the context is full */
  const burin_sampling_options* sampling; /**< null: go on with the session's; else set anew, from its seed */
  const char* const* stops;               /**< the text ends before the first of these */
  size_t stop_count;
  void* user; /**< the first argument of on_token and on_beam */
  burin_token_callback
      on_token; /**< may be null; beam search calls it when the text is decided, for all of it */
  /** Other than null: beam search in place of sampling, which must be null. The session's own sampling takes no part,
   *  but is told of the text; one with a grammar or logit bias is refused. */
  const burin_beam_search_options* beam_search;
  burin_beam_callback on_beam; /**< may be null */
} burin_generation_options;

/** What was generated; with beam search, the best text. Set `size` before the call; only so much is written. */
typedef struct burin_generation {
  size_t size;              /**< sizeof(burin_generation) */
  int64_t token_count;      /**< without the prompt and without a token that ended the text */
  burin_stop_reason reason; /**< why it ended */
  int32_t reserved;         /**< 0 */
  double prefill_seconds;   /**< evaluating the prompt */
  double decode_seconds;    /**< all after it */
} burin_generation;

/** @name The library */
/**@{*/
/** "MAJOR.MINOR.PATCH" of the library that runs. Owned by the library, valid for ever. */
BURIN_API const char* burin_version(void);
/** What went wrong in the last call of this thread that failed, one line: "SUBJECT: what is wrong: what to
 *  do". Empty before any. Cut after 2047 bytes. Owned by the library, valid until the thread's next failing
 *  call. */
BURIN_API const char* burin_last_error(void);
/** "ok", "invalid_argument" and so on. Owned by the library, valid for ever. */
BURIN_API const char* burin_status_name(burin_status status);
/** Makes kernels known that were linked into the program: what `burin pregen -o NAME.o` wrote, whose symbol is
 *  `extern const char burin_kernels_NAME[]`. From then on "linked:NAME" stands for a bundle's file in
 *  burin_load_options. They must stay where they are. */
BURIN_API burin_status burin_add_linked_kernels(const void* kernels);
/**@}*/

/** @name Defaults
 *  Fill a struct of `size` bytes, which becomes its `size`. Fail with BURIN_INVALID_ARGUMENT for null and a
 *  size below the first version's. */
/**@{*/
/** Of loading: all this machine can do, weights as the file has them. */
BURIN_API burin_status burin_load_options_init(burin_load_options* options, size_t size);
/** Of quantising: int4 in groups of 32. */
BURIN_API burin_status burin_quantization_init(burin_quantization* options, size_t size);
/** Of sampling: temperature 0.8, top-k 40, top-p 0.95, min-p 0.05, seed 0. */
BURIN_API burin_status burin_sampling_options_init(burin_sampling_options* options, size_t size);
/** Of a session: the context is not exceeded, memory is taken as it is needed. */
BURIN_API burin_status burin_session_options_init(burin_session_options* options, size_t size);
/** Of beam search: 4 beams, length penalty 1. */
BURIN_API burin_status burin_beam_search_options_init(burin_beam_search_options* options, size_t size);
/** Of a text: until it ends or the context is full, with the session's sampling. */
BURIN_API burin_status burin_generation_options_init(burin_generation_options* options, size_t size);
/**@}*/

/** @name Models */
/**@{*/
/** Loads a GGUF file, a folder in Hugging Face's layout or a llama2.c file, which must not change as long as
 *  the model lives. `options` may be null. Free with burin_model_free(). Fails with BURIN_INVALID_ARGUMENT,
 *  BURIN_LOAD_FAILED, BURIN_CANCELLED, BURIN_OUT_OF_MEMORY, BURIN_CALLBACK_THREW. */
BURIN_API burin_status burin_model_load(const char* path, const burin_load_options* options,
                                        burin_model** model);
/** Lets go of the handle; memory is freed with the last session or tokenizer on the model. */
BURIN_API void burin_model_free(burin_model* model);
/** Number of token ids, and floats of burin_session_logits(); 0 for null. */
BURIN_API int64_t burin_model_vocabulary_size(const burin_model* model);
/** Tokens that each session has room for; 0 for null. */
BURIN_API int64_t burin_model_context_length(const burin_model* model);
/** Threads of each session; 0 for null. */
BURIN_API int32_t burin_model_threads(const burin_model* model);
/** The CPU that kernels were made for. Owned by the model, valid as long as the handle; "" for null. */
BURIN_API const char* burin_model_target(const burin_model* model);
/** Writes the packed weights to the cache folder, from which a load with burin_load_options::kept_weights maps them; may
 *  take as long as the disk does, and be called while others use the model. `kept`: whether they are there, which they are
 *  not where that option was 0 or there is no cache folder; may be null. */
BURIN_API burin_status burin_model_keep_weights(const burin_model* model, int32_t* kept);
/** The model's own tokenizer, which may outlive the handle. Free with burin_tokenizer_free(). */
BURIN_API burin_status burin_model_tokenizer(const burin_model* model, burin_tokenizer** tokenizer);
/**@}*/

/** @name Tokenizers */
/**@{*/
/** From a model, a folder with tokenizer files, or one such file; weights are not read. Free with
 *  burin_tokenizer_free(). Fails with BURIN_LOAD_FAILED, BURIN_OUT_OF_MEMORY. */
BURIN_API burin_status burin_tokenizer_load(const char* path, burin_tokenizer** tokenizer);
/** Lets go of the handle; memory is freed with the last one on the tokenizer or its model. */
BURIN_API void burin_tokenizer_free(burin_tokenizer* tokenizer);
/** Number of token ids; 0 for null. */
BURIN_API size_t burin_tokenizer_vocabulary_size(const burin_tokenizer* tokenizer);
/** The token that begins a text; -1: none. */
BURIN_API burin_token burin_tokenizer_begin_of_text(const burin_tokenizer* tokenizer);
/** 1 where the token ends a text or a turn of a conversation, else 0. */
BURIN_API int32_t burin_tokenizer_ends_text(const burin_tokenizer* tokenizer, burin_token token);
/** Ids of `length` bytes of text, to a buffer of the caller.
 *  @param add_special   other than 0: begin (and end) of text as the model's configuration asks for
 *  @param parse_special other than 0: special tokens written out in the text become their ids
 *  @param tokens        room for `capacity` ids; may be null where that is 0
 *  @param count         how many ids there are, also written with BURIN_BUFFER_TOO_SMALL, when `tokens` is
 *                       left as it is */
BURIN_API burin_status burin_tokenizer_encode(const burin_tokenizer* tokenizer, const char* text,
                                              size_t length, int32_t add_special, int32_t parse_special,
                                              burin_token* tokens, size_t capacity, size_t* count);
/** Text of a whole sequence, to a buffer of the caller, with a 0 behind it.
 *  @param special  other than 0: special tokens are written out; else they are empty
 *  @param text     room for `capacity` bytes, the 0 included; may be null where that is 0
 *  @param length   bytes of the text without the 0, also written with BURIN_BUFFER_TOO_SMALL, when `text` is
 *                  left as it is */
BURIN_API burin_status burin_tokenizer_decode(const burin_tokenizer* tokenizer, const burin_token* tokens,
                                              size_t count, int32_t special, char* text, size_t capacity,
                                              size_t* length);
/** The bytes that a token stands for, which need not be whole characters and have no 0 behind them. Owned by
 *  the tokenizer, valid as long as the handle. */
BURIN_API burin_status burin_tokenizer_token_bytes(const burin_tokenizer* tokenizer, burin_token token,
                                                   int32_t special, const char** bytes, size_t* length);
/**@}*/

/** @name Sessions */
/**@{*/
/** Takes memory and threads for a sequence. `options` may be null. Free with burin_session_free(). Fails with
 *  BURIN_INVALID_ARGUMENT, BURIN_OUT_OF_MEMORY, BURIN_FAILED (no threads). */
BURIN_API burin_status burin_session_create(const burin_model* model, const burin_session_options* options,
                                            burin_session** session);
/** Not to be called while another thread uses the session. */
BURIN_API void burin_session_free(burin_session* session);
/** Appends tokens to the sequence. Fails with BURIN_INVALID_ARGUMENT for an unknown id and
 *  BURIN_CONTEXT_FULL, the sequence being as before; BURIN_CANCELLED, when whole chunks of the tokens may be
 *  in it; BURIN_BUSY. */
BURIN_API burin_status burin_session_evaluate(burin_session* session, const burin_token* tokens,
                                              size_t count);
/** Appends tokens[i] to sessions[i], all in one pass over the model's weights: a handful of sequences goes on
 *  almost as fast as one. The `count` sessions, each there once, are of one model and have the same options but
 *  for sampling; they compute on the first one's threads. Fails as burin_session_evaluate() does, all sequences
 *  being as before. */
BURIN_API burin_status burin_sessions_evaluate_together(burin_session* const* sessions,
                                                        const burin_token* tokens, size_t count);
/** Unnormalised log-probabilities of the next token, burin_model_vocabulary_size() floats. Owned by the
 *  session, valid until its next call. Fails with BURIN_INVALID_ARGUMENT before the first evaluation. */
BURIN_API burin_status burin_session_logits(const burin_session* session, const float** logits,
                                            size_t* count);
/** Picks the next token from the logits as the session's sampling has it, without appending it. */
BURIN_API burin_status burin_session_sample(burin_session* session, burin_token* token);
/** Sampling from now on: anew from its seed. Null: the defaults. */
BURIN_API burin_status burin_session_set_sampling(burin_session* session,
                                                  const burin_sampling_options* options);
/** Appends the prompt and then what the model says. Afterwards the sequence holds both, without a token that
 *  ended the text (and without the last one where the context is full).
 *  @param prompt  at least one token; none where the text is to go on from the logits that are there
 *  @param options may be null
 *  @param result  may be null
 *  Fails as burin_session_evaluate() does. A callback's 0 and burin_session_cancel() are no failure:
 *  BURIN_STOP_STOPPED. */
BURIN_API burin_status burin_session_generate(burin_session* session, const burin_token* prompt, size_t count,
                                              const burin_generation_options* options,
                                              burin_generation* result);
/** The same for `length` bytes of text; at the sequence's start the begin-of-text token goes before it. */
BURIN_API burin_status burin_session_generate_text(burin_session* session, const char* prompt, size_t length,
                                                   const burin_generation_options* options,
                                                   burin_generation* result);
/** Ends the evaluation or generation that is under way, at the next chunk or token; without one, and for
 *  null, it does nothing. May be called by any thread, and by callbacks. */
BURIN_API void burin_session_cancel(burin_session* session);
/** Tokens in the sequence, those that were discarded among them; 0 for null. */
BURIN_API int64_t burin_session_position(const burin_session* session);
/** Those that are in the KV cache; 0 for null. */
BURIN_API int64_t burin_session_cached_tokens(const burin_session* session);
/** Empties the sequence; sampling goes on as it was. */
BURIN_API burin_status burin_session_reset(burin_session* session);
/** Goes back to where the sequence had `position` tokens; there are no logits then. Fails with
 *  BURIN_INVALID_ARGUMENT where that is more than it has or what was there is discarded. */
BURIN_API burin_status burin_session_truncate(burin_session* session, int64_t position);
/** Goes back to what the sequence begins with in common with a prompt, but at most all of it but its last
 *  token.
 *  @param kept how many tokens of the prompt are in the sequence and need not be evaluated */
BURIN_API burin_status burin_session_keep_prefix(burin_session* session, const burin_token* prompt,
                                                 size_t count, int64_t* kept);
/** A second session that goes on from here, sampling too. The caches share memory until they differ. Free
 *  both with burin_session_free(). */
BURIN_API burin_status burin_session_fork(burin_session* session, burin_session** fork);
/** Writes the session to a file: sequence, logits and sampling. Fails with BURIN_INVALID_ARGUMENT where logits are missing,
 *  BURIN_FAILED naming the file. */
BURIN_API burin_status burin_session_save(burin_session* session, const char* path);
/** Replaces sequence and sampling by saved ones of the same model, context, KV type and kept tokens: the next
 *  tokens are those that the saved session would have drawn. Fails with BURIN_LOAD_FAILED,
 *  BURIN_OUT_OF_MEMORY, the session being as before. */
BURIN_API burin_status burin_session_restore(burin_session* session, const char* path);
/**@}*/

#ifdef __cplusplus
}
#endif

#endif
