#include "runtime/api/c_options.hpp"
#include "runtime/api/c_support.hpp"

using namespace burin;
using namespace burin::api;

burin_status burin_model_load(const char* path, const burin_load_options* options, burin_model** model) {
  return c_call([&] {
    const LoadOptions load = options_of(options);
    not_null(path, "path");
    not_null(model, "model");
    *model = new burin_model{value_or_throw(Model::load(path, load))};
  });
}

void burin_model_free(burin_model* model) { delete model; }

int64_t burin_model_vocabulary_size(const burin_model* model) {
  return model == nullptr ? 0 : model->model.vocabulary_size();
}

int64_t burin_model_context_length(const burin_model* model) {
  return model == nullptr ? 0 : model->model.context_length();
}

int32_t burin_model_threads(const burin_model* model) {
  return model == nullptr ? 0 : model->model.threads();
}

// The view is of a whole std::string, so there is a 0 behind it.
const char* burin_model_target(const burin_model* model) {
  return model == nullptr ? "" : model->model.target().data();
}

burin_status burin_model_keep_weights(const burin_model* model, int32_t* kept) {
  return c_call([&] {
    const bool there = value_or_throw(not_null(model, "model").model.keep_weights());
    if (kept != nullptr) *kept = there ? 1 : 0;
  });
}

burin_status burin_model_tokenizer(const burin_model* model, burin_tokenizer** tokenizer) {
  return c_call([&] {
    const Model& shared = not_null(model, "model").model;
    not_null(tokenizer, "tokenizer");
    *tokenizer = new burin_tokenizer{value_or_throw(shared.tokenizer())};
  });
}
