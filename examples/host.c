/* A C program with its own progress display, options and text buffer: host MODEL PROMPT */
#include <burin/burin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int complain(const char* what) {
  fprintf(stderr, "host: %s: %s\n", what, burin_last_error());
  return 1;
}

static void show_progress(void* user, double share) {
  (void)user;
  fprintf(stderr, "\rloading %3.0f %%", share * 100);
}

static void show_log(void* user, burin_log_level level, const char* line, size_t length) {
  (void)user;
  (void)length;
  if (level <= BURIN_LOG_WARN) fprintf(stderr, "note: %s\n", line);
}

static int32_t show_text(void* user, burin_token token, const char* text, size_t length) {
  (void)token;
  fwrite(text, 1, length, (FILE*)user);
  fflush((FILE*)user);
  return 1; /* go on */
}

static burin_status load(const char* path, burin_model** model) {
  burin_load_options options;
  burin_load_options_init(&options, sizeof options);
  options.context = 512;
  options.on_progress = show_progress;
  options.on_log = show_log;
  const burin_status status = burin_model_load(path, &options, model);
  fputc('\n', stderr);
  return status;
}

/* Greedy text, streamed; then what the sequence has become, counted by the tokenizer. */
static burin_status write_text(const burin_model* model, const char* prompt) {
  burin_session* session = NULL;
  burin_status status = burin_session_create(model, NULL, &session);
  if (status != BURIN_OK) return status;

  burin_sampling_options sampling;
  burin_sampling_options_init(&sampling, sizeof sampling);
  sampling.temperature = 0;
  burin_generation_options options;
  burin_generation_options_init(&options, sizeof options);
  options.max_new_tokens = 64;
  options.sampling = &sampling;
  options.on_token = show_text;
  options.user = stdout;
  burin_generation result = {.size = sizeof result};
  status = burin_session_generate_text(session, prompt, strlen(prompt), &options, &result);
  if (status == BURIN_OK)
    fprintf(stderr, "\n%lld tokens, %lld in the sequence\n", (long long)result.token_count,
            (long long)burin_session_position(session));
  burin_session_free(session);
  return status;
}

int main(int count, char** arguments) {
  if (count != 3) {
    fprintf(stderr, "usage: host MODEL PROMPT\n");
    return 2;
  }
  burin_model* model = NULL;
  if (load(arguments[1], &model) != BURIN_OK) return complain("loading");
  const burin_status status = write_text(model, arguments[2]);
  burin_model_free(model);
  putchar('\n');
  return status == BURIN_OK ? EXIT_SUCCESS : complain("writing");
}
