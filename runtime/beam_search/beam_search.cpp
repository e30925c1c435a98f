#include "runtime/beam_search/beam_search.hpp"

#include <chrono>
#include <utility>

#include "runtime/beam_search/beam_pool.hpp"
#include "runtime/beam_search/beam_sessions.hpp"
#include "runtime/cancellation.hpp"
#include "runtime/generation_room.hpp"
#include "runtime/text_stream.hpp"

namespace burin::runtime {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

std::vector<TokenId> end_tokens_of(const Tokenizer* tokenizer, std::int64_t vocabulary) {
  std::vector<TokenId> ends;
  if (tokenizer == nullptr) return ends;
  for (TokenId token = 0; token < vocabulary; ++token)
    if (tokenizer->is_end_of_generation(token)) ends.push_back(token);
  return ends;
}

// The text of each beam, as far as stop texts have to be looked for.
class BeamStops {
 public:
  BeamStops(const TextStream& start, bool any) {
    if (any) streams_.push_back(start);
  }

  bool completes_stop(std::size_t beam, TokenId token) const {
    if (streams_.empty()) return false;
    TextStream stream = streams_[beam];
    stream.push(token);
    return stream.stopped();
  }
  void follow(std::span<const Beam> beams) {
    if (streams_.empty()) return;
    std::vector<TextStream> next;
    for (const Beam& beam : beams) {
      next.push_back(streams_[beam.parent]);
      next.back().push(beam.tokens.back());
    }
    streams_ = std::move(next);
  }

 private:
  std::vector<TextStream> streams_;  // by beam; none where there are no stop texts
};

BeamText with_text(FinishedText finished, TextStream stream) {
  BeamText result = {std::move(finished.tokens), "", finished.score, finished.reason};
  for (const TokenId token : result.tokens) result.text += stream.push(token);
  result.text += stream.finish();
  return result;
}

}  // namespace

BeamSearchResult beam_search(Session& session, const Model& model, std::span<const TokenId> prompt,
                             const BeamSearchRequest& request, const std::atomic<bool>* cancel) {
  const GenerationRoom room = generation_room(session, model, prompt.size(), request.most_tokens);
  const Tokenizer* tokenizer = model.has_tokenizer() ? &model.tokenizer() : nullptr;
  BeamPool pool(request.options, end_tokens_of(tokenizer, model.vocabulary_size()));
  const TextStream start(tokenizer, prompt, request.stops);
  BeamStops stops(start, !request.stops.empty());

  BeamSearchResult result;
  Clock::time_point begin = Clock::now();
  session.evaluate(prompt, LogitsWanted::last, nullptr, cancel);
  result.prefill_seconds = seconds_since(begin);

  begin = Clock::now();
  BeamSessions sessions(session);
  bool goes_on = !is_cancelled(cancel);
  for (std::int64_t step = 1; goes_on && step <= room.most; ++step) {
    pool.advance(sessions.logits(),
                 [&](std::size_t beam, TokenId token) { return stops.completes_stop(beam, token); });
    if (pool.done() || step == room.most) break;
    sessions.follow(pool.beams());
    stops.follow(pool.beams());
    sessions.evaluate(pool.beams());
    goes_on = !is_cancelled(cancel);
  }
  for (FinishedText& text : pool.finish(goes_on ? room.at_end : StopReason::interrupted))
    result.texts.push_back(with_text(std::move(text), start));
  result.cache_bytes = sessions.cache_bytes();
  result.decode_seconds = seconds_since(begin);
  return result;
}

}  // namespace burin::runtime
