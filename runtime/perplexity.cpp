#include "runtime/perplexity.hpp"

#include <algorithm>
#include <cmath>

#include "jit/error.hpp"

namespace burin::runtime {

double surprise(std::span<const float> logits, TokenId token) {
  const double largest = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - largest);
  return std::log(sum) + largest - static_cast<double>(logits[static_cast<std::size_t>(token)]);
}

namespace {

bool is_largest(std::span<const float> logits, TokenId token) {
  return std::max_element(logits.begin(), logits.end()) - logits.begin() == token;
}

}  // namespace

Perplexity perplexity(Session& session, const Model& model, std::string_view text) {
  const Tokenizer& tokenizer = model.tokenizer();
  const std::vector<TokenId> tokens = tokenizer.encode(text, {false, false});
  const bool bos = tokenizer.adds_bos();
  const auto window = static_cast<std::size_t>(model.context_length());
  const std::size_t step = window - (bos ? 1 : 0);
  if (step < 1 || window < 2) fail("context {}: too small for perplexity: use at least 2", window);

  Perplexity result;
  double total = 0;
  std::int64_t right = 0;
  for (std::size_t first = 0; first < tokens.size(); first += step) {
    std::vector<TokenId> part;
    if (bos) part.push_back(tokenizer.bos());
    part.insert(part.end(), tokens.begin() + static_cast<std::ptrdiff_t>(first),
                tokens.begin() + static_cast<std::ptrdiff_t>(std::min(first + step, tokens.size())));
    if (part.size() < 2) break;
    std::size_t next = 1;  // position whose token the logits predict
    const std::function<void(std::span<const float>)> sink = [&](std::span<const float> logits) {
      if (next == part.size()) return;
      total += surprise(logits, part[next]);
      right += is_largest(logits, part[next]) ? 1 : 0;
      ++next;
    };
    session.reset();
    session.evaluate(part, LogitsWanted::all, &sink);
    result.counted += static_cast<std::int64_t>(part.size()) - 1;
  }
  if (result.counted == 0) fail("text: has {} tokens: at least 2 are needed for perplexity", tokens.size());
  result.value = std::exp(total / static_cast<double>(result.counted));
  result.top1_accuracy = static_cast<double>(right) / static_cast<double>(result.counted);
  return result;
}

}  // namespace burin::runtime
