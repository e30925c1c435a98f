#include "runtime/api/search_beams.hpp"

#include <algorithm>
#include <utility>

#include "runtime/api/generate.hpp"
#include "runtime/api/token_calls.hpp"
#include "runtime/beam_search/beam_search.hpp"
#include "runtime/text_stream.hpp"

namespace burin::api {
namespace {

// What would not be followed is refused.
void check_sampling(const SessionState& state, const GenerationOptions& options) {
  if (options.sampling)
    refuse(ErrorCode::invalid_argument, "sampling: it stands beside beam_search: give one of them");
  const runtime::SamplingOptions own = state.sampler.state().options;
  if (!own.grammar.empty() || !own.logit_bias.empty())
    refuse(ErrorCode::invalid_argument,
           "beam_search: the session's sampling has a {}, which beams do not follow: use a session without",
           own.grammar.empty() ? "logit_bias" : "grammar");
}

runtime::BeamSearchRequest request_of(const GenerationOptions& options) {
  check_limits(options);
  const BeamSearchOptions& beams = *options.beam_search;
  runtime::BeamSearchRequest request;
  request.options = {beams.beams, beams.length_penalty, beams.early_stopping, beams.min_new_tokens};
  request.most_tokens = options.max_new_tokens;
  request.stops = options.stops;
  with_code(ErrorCode::invalid_argument, [&] { runtime::validate(request.options); });
  return request;
}

// The decided text as if it came now. Returns how many tokens the host wants of it.
std::size_t tell(SessionState& state, std::span<const TokenId> prompt, const GenerationOptions& options,
                 std::span<const TokenId> tokens, const OnToken& on_token, std::string& text) {
  const runtime::Model& model = state.model();
  runtime::TextStream stream(model.has_tokenizer() ? &model.tokenizer() : nullptr, prompt, options.stops);
  TokenCalls calls(state, on_token);
  text.clear();
  const auto show = [&](std::string_view piece) {
    text += piece;
    calls.add_text(piece);
  };
  std::size_t told = 0;
  while (told < tokens.size() && !state.cancelled.load(std::memory_order_relaxed)) {
    show(stream.push(tokens[told]));
    calls.end_token(tokens[told++]);
  }
  show(stream.finish());
  calls.end_text();
  return told;
}

// So that the sequence goes on behind the text: all of it that there is room for.
void append(SessionState& state, std::span<const TokenId> prompt, std::span<const TokenId> text) {
  std::size_t count = text.size();
  if (!state.session->options().endless)
    count = std::min(
        count, static_cast<std::size_t>(state.model().context_length() - state.session->cached_tokens()));
  state.session->evaluate(text.first(count));
  for (const std::span<const TokenId> tokens : {prompt, text})
    for (const TokenId token : tokens) state.sampler.accept(token);
}

}  // namespace

Generation search_beams(SessionState& state, std::span<const TokenId> prompt,
                        const GenerationOptions& options, const OnToken& on_token) {
  check_sampling(state, options);
  const runtime::BeamSearchRequest request = request_of(options);
  const bool had_logits = prompt.empty();
  state.has_logits = false;
  runtime::BeamSearchResult result =
      runtime::beam_search(*state.session, state.model(), prompt, request, &state.cancelled);
  Generation generated;
  for (runtime::BeamText& text : result.texts)
    generated.beams.push_back(
        {std::move(text.tokens), std::move(text.text), text.score, reason_of(text.reason)});
  const BeamText& best = generated.beams.front();
  generated.tokens = best.tokens;
  generated.text = best.text;
  generated.reason = best.reason;
  // What was found until then is told all the same.
  const bool was_cancelled = state.cancelled.exchange(false, std::memory_order_relaxed);
  if (on_token) {
    generated.tokens.resize(tell(state, prompt, options, best.tokens, on_token, generated.text));
    if (state.cancelled.load(std::memory_order_relaxed)) generated.reason = StopReason::stopped;
  }
  append(state, prompt, generated.tokens);
  state.has_logits = had_logits || !was_cancelled || !generated.tokens.empty();
  generated.prefill_seconds = result.prefill_seconds;
  generated.decode_seconds = result.decode_seconds;
  return generated;
}

}  // namespace burin::api
