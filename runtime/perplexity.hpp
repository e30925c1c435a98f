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

// The text is encoded as one; windows of the model's context do not overlap and each starts with BOS, or what the model
// has in its place (Tokenizer::beginning), so that it holds less of the text. The text's tokens count, but for a
// window's first token where nothing stands before it. Log-probabilities in double. The session is reset.
// Throws burin::Error for a text of fewer than two tokens.
Perplexity perplexity(Session& session, const Model& model, std::string_view text);

}  // namespace burin::runtime
