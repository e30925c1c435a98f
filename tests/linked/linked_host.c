#include "linked_host.h"

#include <string.h>

/* Of demo.o, as burin.h says. */
extern const char burin_kernels_demo[];

struct written {
  const burin_token* expected;
  size_t count;
  int different;
};

static int32_t compare(void* user, burin_token token, const char* text, size_t length) {
  struct written* written = user;
  (void)text;
  (void)length;
  if (token >= 0 && written->expected[written->count++] != token) written->different = 1;
  return 1;
}

static const char* write_with(const burin_model* model, const char* prompt, struct written* written,
                              int64_t most) {
  burin_sampling_options sampling;
  burin_sampling_options_init(&sampling, sizeof sampling);
  sampling.temperature = 0;
  burin_generation_options options;
  burin_generation_options_init(&options, sizeof options);
  options.max_new_tokens = most;
  options.sampling = &sampling;
  options.user = written;
  options.on_token = compare;
  burin_session* session = NULL;
  if (burin_session_create(model, NULL, &session) != BURIN_OK) return burin_last_error();
  const burin_status status = burin_session_generate_text(session, prompt, strlen(prompt), &options, NULL);
  burin_session_free(session);
  return status == BURIN_OK ? NULL : burin_last_error();
}

const char* linked_host_writes(const char* path, const char* prompt, const burin_token* expected,
                               size_t count) {
  if (burin_add_linked_kernels(burin_kernels_demo) != BURIN_OK) return burin_last_error();
  const char* const bundles[] = {"linked:demo"};
  burin_load_options options;
  burin_load_options_init(&options, sizeof options);
  options.threads = 2;
  options.cache_folder = "";
  options.kernel_bundles = bundles;
  options.kernel_bundle_count = 1;
  options.emit = 0;
  burin_model* model = NULL;
  if (burin_model_load(path, &options, &model) != BURIN_OK) return burin_last_error();
  struct written written = {.expected = expected};
  const char* wrong = write_with(model, prompt, &written, (int64_t)count);
  burin_model_free(model);
  if (wrong != NULL) return wrong;
  if (written.count != count) return "not as many tokens as expected";
  return written.different ? "other tokens than expected" : NULL;
}
