#include "runtime/api/generate.hpp"

#include <utility>

#include "runtime/api/search_beams.hpp"
#include "runtime/api/token_calls.hpp"
#include "runtime/generation.hpp"
#include "runtime/stop_texts.hpp"

namespace burin {

std::string_view to_text(StopReason reason) noexcept {
  switch (reason) {
    case StopReason::end_of_text: return "end_of_text";
    case StopReason::length: return "length";
    case StopReason::context: return "context";
    case StopReason::stop_text: return "stop_text";
    case StopReason::stopped: return "stopped";
  }
  return "unknown";
}

namespace api {
namespace {

runtime::GenerationOptions generation_options(SessionState& state, const GenerationOptions& options) {
  check_limits(options);
  runtime::GenerationOptions generation;
  generation.most_tokens = options.max_new_tokens;
  generation.stops = options.stops;
  generation.sampler = &state.sampler;
  return generation;
}

// Whether the last token was picked but not evaluated, and there is room for it.
bool lacks_last_token(const SessionState& state, const runtime::GenerationResult& result) {
  const bool ended_by_token =
      result.reason == runtime::StopReason::length || result.reason == runtime::StopReason::stop_text;
  return ended_by_token && !result.tokens.empty() &&
         (state.session->options().endless ||
          state.session->cached_tokens() < state.model().context_length());
}

}  // namespace

StopReason reason_of(runtime::StopReason reason) {
  switch (reason) {
    case runtime::StopReason::end_of_text: return StopReason::end_of_text;
    case runtime::StopReason::length: return StopReason::length;
    case runtime::StopReason::context: return StopReason::context;
    case runtime::StopReason::stop_text: return StopReason::stop_text;
    case runtime::StopReason::interrupted: break;
  }
  return StopReason::stopped;
}

void check_limits(const GenerationOptions& options) {
  if (options.max_new_tokens < -1)
    refuse(ErrorCode::invalid_argument, "max_new_tokens: {} is negative: give 0 or more, or -1 for no bound",
           options.max_new_tokens);
  with_code(ErrorCode::invalid_argument, [&] { runtime::StopTexts{options.stops}; });
}

void check_tokens(const SessionState& state, std::span<const TokenId> tokens) {
  const std::int64_t vocabulary = state.model().vocabulary_size();
  for (std::size_t i = 0; i < tokens.size(); ++i)
    if (tokens[i] < 0 || tokens[i] >= vocabulary)
      refuse(ErrorCode::invalid_argument, "token {} of the input is {}: the vocabulary has ids 0 to {}", i,
             tokens[i], vocabulary - 1);
  if (state.session->options().endless) return;
  const std::int64_t room = state.model().context_length() - state.session->cached_tokens();
  if (static_cast<std::int64_t>(tokens.size()) > room)
    refuse(ErrorCode::context_full,
           "{} tokens do not fit: the context has room for {}: load with a larger one, or make the session "
           "endless",
           tokens.size(), room);
}

Generation generate(SessionState& state, std::span<const TokenId> prompt, const GenerationOptions& options,
                    const OnToken& on_token) {
  check_tokens(state, prompt);
  if (prompt.empty() && !state.has_logits)
    refuse(ErrorCode::invalid_argument, "prompt: there is no token to start from: give a text");
  if (options.beam_search) return search_beams(state, prompt, options, on_token);
  runtime::GenerationOptions generation = generation_options(state, options);
  if (options.sampling) state.sampler = make_sampler(*options.sampling, state.model());

  TokenCalls calls(state, on_token);
  std::function<void(std::string_view)> on_text;
  if (on_token) {
    on_text = [&](std::string_view piece) { calls.add_text(piece); };
    generation.on_token = [&](TokenId token) { calls.end_token(token); };
  }
  state.has_logits = false;
  runtime::GenerationResult result =
      runtime::generate(*state.session, state.model(), prompt, generation, on_text, &state.cancelled);
  if (lacks_last_token(state, result)) state.session->evaluate({&result.tokens.back(), 1});
  state.has_logits =
      result.reason != runtime::StopReason::interrupted || !result.tokens.empty() || prompt.empty();
  if (on_token) calls.end_text();
  return {std::move(result.tokens), std::move(result.text), reason_of(result.reason),
          result.prefill_seconds,   result.decode_seconds,  {}};
}

Generation generate(SessionState& state, std::span<const TokenId> prompt, const GenerationOptions& options,
                    Streamer& streamer) {
  const OnToken put = [&](TokenId token, std::string_view) {
    if (token >= 0) streamer.put({&token, 1});
    return true;
  };
  const auto end = [&] { call_host("streamer", [&] { streamer.end(); }); };
  try {
    call_host("streamer", [&] { streamer.put(prompt); });
    Generation generated = generate(state, prompt, options, put);
    end();
    return generated;
  } catch (...) {
    end();
    throw;
  }
}

}  // namespace api
}  // namespace burin
