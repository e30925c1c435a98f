// Perplexity of a text under a model.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "runtime/session.hpp"

namespace burin::runtime {

// -log of the probability that the softmax of `logits` gives to `token`, an index into them.
double surprise(std::span<const float> logits, TokenId token);

struct Perplexity {
  double value = 0;
  std::int64_t counted = 0;  // predicted tokens
  double top1_accuracy = 0;  // share of them that had the largest logit
};

// The text is encoded as one; windows of the model's context do not overlap and each starts with BOS where the
// model has one, so that it holds one token of text less; all positions after a window's first count; a last
// window of at least two tokens counts too. Log-probabilities in double. The session is reset.
// Throws burin::Error for a text of fewer than two tokens.
Perplexity perplexity(Session& session, const Model& model, std::string_view text);

}  // namespace burin::runtime
