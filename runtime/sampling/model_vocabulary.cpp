#include "runtime/sampling/model_vocabulary.hpp"

#include "runtime/model_state.hpp"

namespace burin::runtime {

SampledVocabulary vocabulary_of(const Model& model) {
  return {static_cast<std::size_t>(model.vocabulary_size()),
          model.has_tokenizer() ? &model.tokenizer() : nullptr, &model.state().token_texts};
}

}  // namespace burin::runtime
