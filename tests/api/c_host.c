#include "c_host.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* The condition as text where it does not hold. */
#define TEXT_OF(x) #x
#define LINE_OF(x) TEXT_OF(x)
#define MUST(condition) \
  if (!(condition)) return __FILE__ ":" LINE_OF(__LINE__) ": " #condition

static burin_load_options quiet(void) {
  burin_load_options options;
  burin_load_options_init(&options, sizeof options);
  options.threads = 2;
  options.cache_folder = "";
  return options;
}

static burin_generation_options greedy(const burin_sampling_options* sampling, int64_t most) {
  burin_generation_options options;
  burin_generation_options_init(&options, sizeof options);
  options.max_new_tokens = most;
  options.sampling = sampling;
  return options;
}

static burin_sampling_options best(void) {
  burin_sampling_options sampling;
  burin_sampling_options_init(&sampling, sizeof sampling);
  sampling.temperature = 0;
  return sampling;
}

static const char* tokenizer_round_trip(const burin_tokenizer* tokenizer, const char* text) {
  burin_token ids[64];
  size_t count = 0;
  char back[64];
  size_t length = 0;
  MUST(burin_tokenizer_encode(tokenizer, text, strlen(text), 1, 1, NULL, 0, &count) ==
       BURIN_BUFFER_TOO_SMALL);
  MUST(count > 2 && count < 64);
  const size_t needed = count;
  count = 0;
  MUST(burin_tokenizer_encode(tokenizer, text, strlen(text), 1, 1, ids, needed - 1, &count) ==
       BURIN_BUFFER_TOO_SMALL);
  MUST(count == needed);
  MUST(burin_tokenizer_encode(tokenizer, text, strlen(text), 1, 1, ids, needed, &count) == BURIN_OK);
  MUST(burin_tokenizer_decode(tokenizer, ids, count, 0, back, strlen(text), &length) ==
       BURIN_BUFFER_TOO_SMALL);
  MUST(length == strlen(text));
  MUST(burin_tokenizer_decode(tokenizer, ids, count, 0, back, strlen(text) + 1, &length) == BURIN_OK);
  MUST(strcmp(back, text) == 0);
  MUST(burin_tokenizer_decode(tokenizer, NULL, 0, 0, back, 1, &length) == BURIN_OK && length == 0);
  const char* bytes = NULL;
  MUST(burin_tokenizer_token_bytes(tokenizer, ids[0], 0, &bytes, &length) == BURIN_OK);
  MUST(length > 0 && memcmp(bytes, text, length) == 0);
  MUST(burin_tokenizer_token_bytes(tokenizer, 100000, 0, &bytes, &length) == BURIN_INVALID_ARGUMENT);
  MUST(burin_tokenizer_vocabulary_size(tokenizer) == 512);
  MUST(burin_tokenizer_ends_text(tokenizer, ids[0]) == 0);
  MUST(burin_tokenizer_encode(tokenizer, NULL, 0, 1, 1, NULL, 0, &count) == BURIN_OK || count > 0);
  return NULL;
}

static const char* step_by_step(burin_session* session, const char* prompt, const burin_tokenizer* tokenizer,
                                const burin_token* expected, size_t count) {
  burin_token ids[64];
  size_t size = 0;
  const float* logits = NULL;
  burin_token token = -1;
  const burin_sampling_options sampling = best();
  MUST(burin_session_logits(session, &logits, &size) == BURIN_INVALID_ARGUMENT);
  MUST(burin_session_sample(session, &token) == BURIN_INVALID_ARGUMENT);
  MUST(burin_tokenizer_encode(tokenizer, prompt, strlen(prompt), 1, 1, ids, 64, &size) == BURIN_OK);
  MUST(burin_session_set_sampling(session, &sampling) == BURIN_OK);
  MUST(burin_session_evaluate(session, ids, size) == BURIN_OK);
  MUST(burin_session_position(session) == (int64_t)size);
  for (size_t i = 0; i < count; ++i) {
    MUST(burin_session_sample(session, &token) == BURIN_OK && token == expected[i]);
    MUST(burin_session_evaluate(session, &token, 1) == BURIN_OK);
  }
  MUST(burin_session_logits(session, &logits, &size) == BURIN_OK && size == 512);
  token = 512;
  MUST(burin_session_evaluate(session, &token, 1) == BURIN_INVALID_ARGUMENT);
  MUST(strstr(burin_last_error(), "512") != NULL);
  return burin_session_reset(session) == BURIN_OK ? NULL : "reset failed";
}

const char* c_host_writes(const char* path, const char* prompt, const burin_token* expected, size_t count) {
  const burin_load_options load = quiet();
  burin_model* model = NULL;
  burin_tokenizer* tokenizer = NULL;
  burin_session* session = NULL;
  MUST(burin_model_load(path, &load, &model) == BURIN_OK);
  MUST(burin_model_vocabulary_size(model) == 512 && burin_model_context_length(model) == 1024);
  MUST(burin_model_threads(model) == 2 && strlen(burin_model_target(model)) > 0);
  MUST(burin_model_tokenizer(model, &tokenizer) == BURIN_OK);
  MUST(burin_session_create(model, NULL, &session) == BURIN_OK);
  burin_model_free(model); /* first: session and tokenizer keep what they need */
  const char* wrong = tokenizer_round_trip(tokenizer, prompt);
  if (wrong == NULL) wrong = step_by_step(session, prompt, tokenizer, expected, count);
  if (wrong != NULL) return wrong;
  const burin_sampling_options sampling = best();
  const burin_generation_options options = greedy(&sampling, (int64_t)count);
  burin_generation result = {.size = sizeof result};
  MUST(burin_session_generate_text(session, prompt, strlen(prompt), &options, &result) == BURIN_OK);
  MUST(result.token_count == (int64_t)count && result.reason == BURIN_STOP_LENGTH);
  MUST(result.decode_seconds > 0 && result.size == sizeof result);
  burin_tokenizer_free(tokenizer);
  burin_session_free(session);
  return NULL;
}

const char* c_host_survives_null(const char* path) {
  const burin_load_options load = quiet();
  burin_model* model = NULL;
  burin_tokenizer* tokenizer = NULL;
  burin_session* session = NULL;
  burin_token token = 0;
  size_t size = 0;
  const float* logits = NULL;
  const char* bytes = NULL;
  char text[8];
  int64_t kept = 0;
  burin_model_free(NULL);
  burin_tokenizer_free(NULL);
  burin_session_free(NULL);
  burin_session_cancel(NULL);
  MUST(burin_model_vocabulary_size(NULL) == 0 && burin_model_context_length(NULL) == 0);
  MUST(burin_model_threads(NULL) == 0 && strcmp(burin_model_target(NULL), "") == 0);
  MUST(burin_tokenizer_vocabulary_size(NULL) == 0 && burin_tokenizer_begin_of_text(NULL) == -1);
  MUST(burin_tokenizer_ends_text(NULL, 0) == 0 && burin_session_position(NULL) == 0);

  MUST(burin_load_options_init(NULL, sizeof(burin_load_options)) == BURIN_INVALID_ARGUMENT);
  MUST(burin_add_linked_kernels(NULL) == BURIN_INVALID_ARGUMENT);
  MUST(burin_add_linked_kernels("no kernels at all") == BURIN_INVALID_ARGUMENT);
  MUST(burin_model_load(NULL, &load, &model) == BURIN_INVALID_ARGUMENT);
  MUST(strstr(burin_last_error(), "path: is null") != NULL);
  MUST(burin_model_load(path, &load, NULL) == BURIN_INVALID_ARGUMENT);
  MUST(burin_model_tokenizer(NULL, &tokenizer) == BURIN_INVALID_ARGUMENT);
  MUST(burin_tokenizer_load(NULL, &tokenizer) == BURIN_INVALID_ARGUMENT);
  MUST(burin_tokenizer_load(path, NULL) == BURIN_INVALID_ARGUMENT);
  MUST(burin_tokenizer_encode(NULL, "x", 1, 0, 0, &token, 1, &size) == BURIN_INVALID_ARGUMENT);
  MUST(burin_tokenizer_decode(NULL, &token, 1, 0, text, 8, &size) == BURIN_INVALID_ARGUMENT);
  MUST(burin_tokenizer_token_bytes(NULL, 0, 0, &bytes, &size) == BURIN_INVALID_ARGUMENT);
  MUST(burin_session_create(NULL, NULL, &session) == BURIN_INVALID_ARGUMENT);
  MUST(burin_session_evaluate(NULL, &token, 1) == BURIN_INVALID_ARGUMENT);
  MUST(burin_session_logits(NULL, &logits, &size) == BURIN_INVALID_ARGUMENT);
  MUST(burin_session_sample(NULL, &token) == BURIN_INVALID_ARGUMENT);
  MUST(burin_session_set_sampling(NULL, NULL) == BURIN_INVALID_ARGUMENT);
  MUST(burin_session_generate(NULL, &token, 1, NULL, NULL) == BURIN_INVALID_ARGUMENT);
  MUST(burin_session_generate_text(NULL, "x", 1, NULL, NULL) == BURIN_INVALID_ARGUMENT);
  MUST(burin_session_reset(NULL) == BURIN_INVALID_ARGUMENT);
  MUST(burin_session_cached_tokens(NULL) == 0);
  MUST(burin_session_truncate(NULL, 0) == BURIN_INVALID_ARGUMENT);
  MUST(burin_session_keep_prefix(NULL, &token, 1, &kept) == BURIN_INVALID_ARGUMENT);
  MUST(burin_session_fork(NULL, &session) == BURIN_INVALID_ARGUMENT);
  MUST(burin_session_save(NULL, path) == BURIN_INVALID_ARGUMENT);
  MUST(burin_session_restore(NULL, path) == BURIN_INVALID_ARGUMENT);
  MUST(model == NULL && tokenizer == NULL && session == NULL);

  MUST(burin_model_load(path, &load, &model) == BURIN_OK);
  int32_t kept_weights = 1;
  MUST(burin_model_keep_weights(NULL, &kept_weights) == BURIN_INVALID_ARGUMENT);
  MUST(burin_model_keep_weights(model, NULL) == BURIN_OK);
  MUST(burin_model_keep_weights(model, &kept_weights) == BURIN_OK && kept_weights == 0); /* not asked for */
  MUST(burin_model_tokenizer(model, NULL) == BURIN_INVALID_ARGUMENT);
  MUST(burin_session_create(model, NULL, NULL) == BURIN_INVALID_ARGUMENT);
  MUST(burin_model_tokenizer(model, &tokenizer) == BURIN_OK);
  MUST(burin_session_create(model, NULL, &session) == BURIN_OK);
  MUST(burin_tokenizer_encode(tokenizer, NULL, 1, 0, 0, &token, 1, &size) == BURIN_INVALID_ARGUMENT);
  MUST(burin_tokenizer_encode(tokenizer, "x", 1, 0, 0, &token, 1, NULL) == BURIN_INVALID_ARGUMENT);
  MUST(burin_tokenizer_encode(tokenizer, "x", 1, 0, 0, NULL, 8, &size) == BURIN_INVALID_ARGUMENT);
  MUST(burin_tokenizer_decode(tokenizer, NULL, 1, 0, text, 8, &size) == BURIN_INVALID_ARGUMENT);
  MUST(burin_tokenizer_decode(tokenizer, &token, 1, 0, NULL, 8, &size) == BURIN_INVALID_ARGUMENT);
  MUST(burin_tokenizer_decode(tokenizer, &token, 1, 0, text, 8, NULL) == BURIN_INVALID_ARGUMENT);
  MUST(burin_tokenizer_token_bytes(tokenizer, 0, 0, NULL, &size) == BURIN_INVALID_ARGUMENT);
  MUST(burin_tokenizer_token_bytes(tokenizer, 0, 0, &bytes, NULL) == BURIN_INVALID_ARGUMENT);
  MUST(burin_session_evaluate(session, NULL, 1) == BURIN_INVALID_ARGUMENT);
  MUST(burin_session_evaluate(session, NULL, 0) == BURIN_OK);
  MUST(burin_session_logits(session, NULL, &size) == BURIN_INVALID_ARGUMENT);
  MUST(burin_session_logits(session, &logits, NULL) == BURIN_INVALID_ARGUMENT);
  MUST(burin_session_sample(session, NULL) == BURIN_INVALID_ARGUMENT);
  MUST(burin_session_set_sampling(session, NULL) == BURIN_OK);
  MUST(burin_session_keep_prefix(session, NULL, 1, &kept) == BURIN_INVALID_ARGUMENT);
  MUST(burin_session_keep_prefix(session, &token, 1, NULL) == BURIN_INVALID_ARGUMENT);
  MUST(burin_session_fork(session, NULL) == BURIN_INVALID_ARGUMENT);
  MUST(burin_session_save(session, NULL) == BURIN_INVALID_ARGUMENT);
  MUST(burin_session_restore(session, NULL) == BURIN_INVALID_ARGUMENT);
  MUST(burin_session_generate(session, NULL, 1, NULL, NULL) == BURIN_INVALID_ARGUMENT);
  MUST(burin_session_generate_text(session, NULL, 1, NULL, NULL) == BURIN_INVALID_ARGUMENT);
  burin_session_free(session);
  burin_tokenizer_free(tokenizer);
  burin_model_free(model);
  return NULL;
}

/* What the callbacks have seen. */
struct seen {
  int progress;
  double share;
  int asked;
  int cancel_at;
  int lines;
  int tokens;
  int stop_at;
  char text[256];
  burin_session* session;
};

static void on_progress(void* user, double share) {
  struct seen* seen = user;
  ++seen->progress;
  seen->share = share;
}

static int32_t should_cancel(void* user) {
  struct seen* seen = user;
  return seen->asked++ == seen->cancel_at;
}

static void on_log(void* user, burin_log_level level, const char* line, size_t length) {
  struct seen* seen = user;
  if (level >= BURIN_LOG_ERROR && level <= BURIN_LOG_DEBUG && strlen(line) == length) ++seen->lines;
}

static int32_t on_token(void* user, burin_token token, const char* text, size_t length) {
  struct seen* seen = user;
  if (token >= 0) ++seen->tokens;
  strncat(seen->text, text, length);
  return seen->tokens != seen->stop_at;
}

static int32_t cancel_session(void* user, burin_token token, const char* text, size_t length) {
  struct seen* seen = user;
  (void)token;
  (void)text;
  (void)length;
  burin_session_cancel(seen->session);
  return 1;
}

const char* c_host_is_called_back(const char* path) {
  struct seen seen = {.cancel_at = 3};
  burin_load_options load = quiet();
  load.user = &seen;
  load.on_progress = on_progress;
  load.should_cancel = should_cancel;
  load.on_log = on_log;
  burin_model* model = NULL;
  MUST(burin_model_load(path, &load, &model) == BURIN_CANCELLED && model == NULL);
  MUST(seen.asked == 4 && seen.lines == 0 && strcmp(burin_status_name(BURIN_CANCELLED), "cancelled") == 0);
  seen.cancel_at = -1;
  MUST(burin_model_load(path, &load, &model) == BURIN_OK);
  MUST(seen.share == 1 && seen.progress > 10 && seen.lines > 0);

  burin_session* session = NULL;
  burin_session_options own;
  const burin_sampling_options sampling = best();
  burin_session_options_init(&own, sizeof own);
  own.sampling = &sampling;
  MUST(burin_session_create(model, &own, &session) == BURIN_OK);
  burin_model_free(model);
  seen.session = session;
  seen.stop_at = 5;
  burin_generation_options options = greedy(NULL, 64);
  options.user = &seen;
  options.on_token = on_token;
  burin_generation result = {.size = sizeof result};
  const char prompt[] = "ROMEO:\nWhat light";
  MUST(burin_session_generate_text(session, prompt, strlen(prompt), &options, &result) == BURIN_OK);
  MUST(result.reason == BURIN_STOP_STOPPED && result.token_count == 5 && strlen(seen.text) > 0);

  const char* stops[] = {"NORTH", "hath"};
  seen = (struct seen){.stop_at = -1};
  options.stops = stops;
  options.stop_count = 2;
  MUST(burin_session_reset(session) == BURIN_OK);
  MUST(burin_session_generate_text(session, prompt, strlen(prompt), &options, &result) == BURIN_OK);
  MUST(result.reason == BURIN_STOP_TEXT && strcmp(seen.text, "s that said or two, that he ") == 0);
  stops[1] = NULL;
  MUST(burin_session_generate_text(session, prompt, 1, &options, &result) == BURIN_INVALID_ARGUMENT);

  seen = (struct seen){.session = session};
  options = greedy(NULL, 64);
  options.user = &seen;
  options.on_token = cancel_session;
  MUST(burin_session_generate_text(session, prompt, 1, &options, &result) == BURIN_OK);
  MUST(result.reason == BURIN_STOP_STOPPED && result.token_count == 1);
  const burin_token many[2000] = {0};
  MUST(burin_session_evaluate(session, many, 2000) == BURIN_CONTEXT_FULL);
  burin_session_free(session);
  return NULL;
}

/* A gang of threads for every call. */
struct share {
  pthread_t thread;
  void (*body)(void* context, int index);
  void* context;
  int index;
};

struct gang {
  int calls;
  int released;
};

static void* run_share(void* argument) {
  const struct share* share = argument;
  share->body(share->context, share->index);
  return NULL;
}

static void run_gang(void* self, int32_t count, void (*body)(void* context, int index), void* context) {
  struct share shares[2];
  ++((struct gang*)self)->calls;
  for (int i = 0; i < count; ++i) {
    shares[i] = (struct share){.body = body, .context = context, .index = i};
    if (pthread_create(&shares[i].thread, NULL, run_share, &shares[i]) != 0) abort();
  }
  for (int i = 0; i < count; ++i) pthread_join(shares[i].thread, NULL);
}

static void release_gang(void* self) { ++((struct gang*)self)->released; }

const char* c_host_executes(const char* path) {
  struct gang gang = {0, 0};
  burin_executor executor = {
      .size = sizeof executor, .self = &gang, .concurrency = 2, .run = run_gang, .release = release_gang};
  burin_load_options load = quiet();
  load.threads = 0;
  load.executor = &executor;
  burin_model* model = NULL;
  burin_session* session = NULL;
  MUST(burin_model_load(path, &load, &model) == BURIN_OK && burin_model_threads(model) == 2);
  MUST(burin_session_create(model, NULL, &session) == BURIN_OK);
  burin_model_free(model);
  const int before = gang.calls;
  const burin_token token = 50;
  MUST(burin_session_evaluate(session, &token, 1) == BURIN_OK && gang.calls > before);
  MUST(gang.released == 0);
  burin_session_free(session);
  MUST(gang.released == 1);
  MUST(burin_model_load("/none", &load, &model) == BURIN_LOAD_FAILED && gang.released == 2);
  executor.concurrency = 0;
  MUST(burin_model_load(path, &load, &model) == BURIN_INVALID_ARGUMENT);
  executor = (burin_executor){.size = sizeof executor, .concurrency = 2};
  MUST(burin_model_load(path, &load, &model) == BURIN_INVALID_ARGUMENT);
  executor.size = 8;
  MUST(burin_model_load(path, &load, &model) == BURIN_INVALID_ARGUMENT);
  return NULL;
}

const char* c_host_keeps_sequences(const char* path, const char* file) {
  burin_load_options load = quiet();
  load.context = 16;
  burin_model* model = NULL;
  burin_session* session = NULL;
  burin_session* fork = NULL;
  MUST(burin_model_load(path, &load, &model) == BURIN_OK);
  burin_session_options own;
  MUST(burin_session_options_init(&own, sizeof own) == BURIN_OK && own.keep == 4 && own.discard == -1);
  own.endless = 1;
  MUST(burin_session_create(model, &own, &session) == BURIN_OK);
  burin_model_free(model);
  const burin_token tokens[40] = {1, 2, 3, 4, 5, 6, 7, 8};
  MUST(burin_session_evaluate(session, tokens, 8) == BURIN_OK);
  MUST(burin_session_save(session, file) == BURIN_OK);
  MUST(burin_session_fork(session, &fork) == BURIN_OK);
  MUST(burin_session_evaluate(session, tokens, 40) == BURIN_OK);
  MUST(burin_session_position(session) == 48 && burin_session_cached_tokens(session) <= 16);
  MUST(burin_session_truncate(session, 8) == BURIN_INVALID_ARGUMENT);
  burin_sampling_options other; /* forgotten: sampling is restored too */
  burin_sampling_options_init(&other, sizeof other);
  other.seed = 77;
  MUST(burin_session_set_sampling(session, &other) == BURIN_OK);
  MUST(burin_session_restore(session, file) == BURIN_OK && burin_session_position(session) == 8);
  burin_token first = -1;
  burin_token second = -2;
  MUST(burin_session_sample(session, &first) == BURIN_OK && burin_session_sample(fork, &second) == BURIN_OK);
  MUST(first == second);
  burin_generation_options options = greedy(NULL, 4);
  burin_generation result = {.size = sizeof result};
  MUST(burin_session_generate(session, NULL, 0, &options, &result) == BURIN_OK); /* from the logits */
  MUST(result.token_count == 4 && burin_session_position(session) == 12);
  MUST(burin_session_restore(session, file) == BURIN_OK);
  int64_t kept = 0;
  MUST(burin_session_keep_prefix(fork, tokens, 5, &kept) == BURIN_OK && kept == 4);
  MUST(burin_session_position(fork) == 4 && burin_session_truncate(fork, 2) == BURIN_OK);
  MUST(burin_session_save(fork, file) == BURIN_INVALID_ARGUMENT); /* without logits */
  MUST(burin_session_save(session, "/none/at/all") == BURIN_FAILED);
  MUST(burin_session_restore(session, "/none") == BURIN_LOAD_FAILED);
  burin_session_free(session);
  MUST(burin_session_evaluate(fork, tokens, 1) == BURIN_OK && burin_session_position(fork) == 3);
  burin_session_free(fork);
  return NULL;
}

/* A newer header's struct: fields behind those that this library knows. */
struct newer {
  burin_generation_options known;
  int64_t unknown;
};

const char* c_host_has_other_sizes(const char* path) {
  const burin_load_options load = quiet();
  burin_model* model = NULL;
  burin_session* session = NULL;
  MUST(burin_model_load(path, &load, &model) == BURIN_OK);
  MUST(burin_session_create(model, NULL, &session) == BURIN_OK);
  burin_model_free(model);

  struct newer newer;
  memset(&newer, 0xff, sizeof newer);
  MUST(burin_generation_options_init(&newer.known, sizeof newer) == BURIN_OK);
  MUST(newer.known.size == sizeof newer && newer.unknown == 0 && newer.known.max_new_tokens == -1);
  newer.known.max_new_tokens = 2;
  MUST(burin_session_generate_text(session, "R", 1, &newer.known, NULL) == BURIN_OK);
  newer.unknown = 1;
  MUST(burin_session_generate_text(session, "R", 1, &newer.known, NULL) == BURIN_INVALID_ARGUMENT);
  MUST(strstr(burin_last_error(), "newer library") != NULL);

  burin_generation_options options = greedy(NULL, 2);
  options.size = offsetof(burin_generation_options, on_token); /* less than any version had */
  MUST(burin_session_generate_text(session, "R", 1, &options, NULL) == BURIN_INVALID_ARGUMENT);
  MUST(strstr(burin_last_error(), "_init") != NULL);
  MUST(burin_generation_options_init(&options, 8) == BURIN_INVALID_ARGUMENT);
  MUST(burin_generation_options_init(&options, 0) == BURIN_INVALID_ARGUMENT);

  options = greedy(NULL, 2);
  burin_generation result = {.size = 8, .token_count = 77};
  MUST(burin_session_generate_text(session, "R", 1, &options, &result) == BURIN_INVALID_ARGUMENT);
  MUST(result.token_count == 77);
  struct {
    burin_generation known;
    int64_t unknown;
  } larger = {.known = {.size = sizeof larger}, .unknown = 77};
  MUST(burin_session_generate_text(session, "R", 1, &options, &larger.known) == BURIN_OK);
  MUST(larger.known.token_count == 2 && larger.unknown == 0 && larger.known.size == sizeof larger);
  burin_session_free(session);
  return NULL;
}
