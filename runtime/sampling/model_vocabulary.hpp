#pragma once

#include "runtime/model.hpp"
#include "runtime/sampling/sampler.hpp"

namespace burin::runtime {

// What samplers of a model draw from; the model must outlive the construction of each.
SampledVocabulary vocabulary_of(const Model& model);

}  // namespace burin::runtime
