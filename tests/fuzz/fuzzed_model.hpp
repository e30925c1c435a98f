// The model whose files fuzzers start from: as few bytes as can be, so that headers are what is changed.
#pragma once

#include "tests/support/tiny_llama.hpp"

namespace burin::tests {

inline TinyLlama fuzzed_model() {
  TinyLlama model;
  model.hidden = 2;
  model.feed_forward = 2;
  model.heads = 1;
  model.kv_heads = 1;
  model.own_head = false;
  model.matrices = kernels::StoredType::bf16;
  return model;
}

}  // namespace burin::tests
