#include "runtime/generation.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

#include "runtime/cancellation.hpp"
#include "runtime/generation_room.hpp"
#include "runtime/sampling/model_vocabulary.hpp"
#include "runtime/text_stream.hpp"

namespace burin::runtime {
namespace {

using Clock = std::chrono::steady_clock;

// The text's memory is taken before the token loop, so that the loop allocates nothing.
constexpr std::size_t kTypicalTokenBytes = 16;
constexpr std::size_t kLargestTextReserve = std::size_t{1} << 20;
constexpr std::int64_t kLargestTokenReserve = std::int64_t{1} << 16;

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

GenerationResult generate(Session& session, const Model& model, std::span<const TokenId> prompt,
                          const GenerationOptions& options,
                          const std::function<void(std::string_view)>& on_text,
                          const std::atomic<bool>* cancel) {
  const auto [most, reason_at_end] = generation_room(session, model, prompt.size(), options.most_tokens);
  const Tokenizer* tokenizer = model.has_tokenizer() ? &model.tokenizer() : nullptr;

  GenerationResult result;
  result.tokens.reserve(static_cast<std::size_t>(std::min(most, kLargestTokenReserve)));
  result.text.reserve(std::min(static_cast<std::size_t>(most) * kTypicalTokenBytes, kLargestTextReserve));
  std::optional<Sampler> own_sampler;
  if (options.sampler == nullptr) own_sampler.emplace(options.sampling, vocabulary_of(model));
  Sampler& sampler = own_sampler ? *own_sampler : *options.sampler;
  TextStream stream(tokenizer, prompt, options.stops);
  const auto show = [&](std::string_view piece) {
    result.text += piece;
    if (!piece.empty() && on_text) on_text(piece);
  };
  for (const TokenId token : prompt)
    if (token >= 0 && token < model.vocabulary_size()) sampler.accept(token);

  const Clock::time_point begin = Clock::now();
  session.evaluate(prompt, LogitsWanted::last, nullptr, cancel);
  const Clock::time_point prefilled = Clock::now();
  result.reason = is_cancelled(cancel) ? StopReason::interrupted : StopReason::length;
  // Asked once per token, so that the reason is known for every way out.
  while (result.reason != StopReason::interrupted && static_cast<std::int64_t>(result.tokens.size()) < most) {
    if (sampler.must_end()) {
      result.reason = StopReason::end_of_text;
      break;
    }
    const TokenId token = sampler.sample(session.logits());
    if (tokenizer != nullptr && tokenizer->is_end_of_generation(token)) {
      result.reason = StopReason::end_of_text;
      break;
    }
    result.tokens.push_back(token);
    sampler.accept(token);
    show(stream.push(token));
    if (options.on_token) options.on_token(token);
    if (stream.stopped()) {
      result.reason = StopReason::stop_text;
      break;
    }
    if (static_cast<std::int64_t>(result.tokens.size()) == most) {
      result.reason = reason_at_end;
      break;
    }
    session.evaluate({&result.tokens.back(), 1});
    if (is_cancelled(cancel)) result.reason = StopReason::interrupted;
  }
  show(stream.finish());
  result.prefill_seconds = seconds_between(begin, prefilled);
  result.decode_seconds = seconds_between(prefilled, Clock::now());
  return result;
}

}  // namespace burin::runtime
