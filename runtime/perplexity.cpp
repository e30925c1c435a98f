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
  const std::vector<TokenId> beginning = tokenizer.beginning();
  const auto window = static_cast<std::size_t>(model.context_length());
  const std::size_t counted_from = std::max<std::size_t>(1, beginning.size());
  if (window <= counted_from)
    fail("context {}: too small for perplexity: use at least {}", window, counted_from + 1);
  const std::size_t step = window - beginning.size();

  Perplexity result;
  double total = 0;
  std::int64_t right = 0;
  for (std::size_t first = 0; first < tokens.size(); first += step) {
    std::vector<TokenId> part = beginning;
    part.insert(part.end(), tokens.begin() + static_cast<std::ptrdiff_t>(first),
                tokens.begin() + static_cast<std::ptrdiff_t>(std::min(first + step, tokens.size())));
    if (part.size() <= counted_from) break;
    std::size_t next = 1;  // position whose token the logits predict
    const std::function<void(std::span<const float>)> sink = [&](std::span<const float> logits) {
      if (next >= counted_from && next < part.size()) {
        total += surprise(logits, part[next]);
        right += is_largest(logits, part[next]) ? 1 : 0;
      }
      ++next;
    };
    session.reset();
    session.evaluate(part, LogitsWanted::all, &sink);
    result.counted += static_cast<std::int64_t>(part.size() - counted_from);
  }
  if (result.counted == 0) fail("text: has {} tokens: at least 2 are needed for perplexity", tokens.size());
  result.value = std::exp(total / static_cast<double>(result.counted));
  result.top1_accuracy = static_cast<double>(right) / static_cast<double>(result.counted);
  return result;
}

}  // namespace burin::runtime
