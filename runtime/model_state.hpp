// What a loaded model consists of; private to the runtime.
#pragma once

#include <memory>

#include "graph/plan.hpp"
#include "jit/kernel_store.hpp"
#include "runtime/executor.hpp"
#include "runtime/files/model_file.hpp"
#include "runtime/model.hpp"
#include "runtime/packed_weights/weight_cache.hpp"
#include "runtime/sampling/grammar/token_texts.hpp"
#include "runtime/weights.hpp"

namespace burin::runtime {

struct Model::State {
  std::unique_ptr<ModelFile> file;  // none for synthetic models
  std::unique_ptr<Tokenizer> tokenizer;
  SharedTokenTexts token_texts;  // of the tokenizer, for samplers
  graph::Plan plan;
  int threads = 0;  // of each session
  Weights weights;
  WeightCacheOptions weight_cache;
  std::string weight_key;  // under which weights can be kept; empty: they are not to be, or are already
  std::unique_ptr<jit::KernelStore> kernels;
  BoundPlan bound;
  LoadStatistics statistics;
};

}  // namespace burin::runtime
