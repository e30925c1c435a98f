#pragma once

#include "runtime/model.hpp"
#include "runtime/sampling/sampler.hpp"

namespace burin::runtime {

inline SampledVocabulary vocabulary_of(const Model& model) {
  return {static_cast<std::size_t>(model.vocabulary_size()),
          model.has_tokenizer() ? &model.tokenizer() : nullptr};
}

}  // namespace burin::runtime
