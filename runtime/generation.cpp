#include "runtime/generation.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

#include "jit/error.hpp"
#include "runtime/sampling/model_vocabulary.hpp"
#include "runtime/stop_texts.hpp"

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

// Turns tokens into text that may be shown; does nothing without a tokenizer.
class TextStream {
 public:
  TextStream(const Tokenizer* tokenizer, bool at_start, std::vector<std::string> stops,
             const std::function<void(std::string_view)>& on_text, std::string& text)
      : stops_(std::move(stops)), on_text_(on_text), text_(text) {
    if (tokenizer != nullptr) decoder_.emplace(*tokenizer, at_start);
  }

  // False once a stop text came.
  bool push(TokenId token) {
    if (decoder_) show(stops_.add(decoder_->push(token)));
    return !stops_.found();
  }
  void finish() {
    if (!decoder_) return;
    show(stops_.add(decoder_->finish()));
    show(stops_.flush());
  }

 private:
  void show(std::string_view piece) {
    text_ += piece;
    if (!piece.empty() && on_text_) on_text_(piece);
  }

  std::optional<StreamDecoder> decoder_;
  StopTexts stops_;
  const std::function<void(std::string_view)>& on_text_;
  std::string& text_;
};

bool cancelled(const std::atomic<bool>* cancel) {
  return cancel != nullptr && cancel->load(std::memory_order_relaxed);
}

// A prompt of nothing but BOS: what follows is the start of the text.
bool begins_text(const Tokenizer* tokenizer, std::span<const TokenId> prompt) {
  return tokenizer != nullptr && prompt.size() == 1 && prompt[0] == tokenizer->bos();
}

// How many tokens can be evaluated after the prompt.
std::int64_t room_behind(const Session& session, const Model& model, std::int64_t prompt) {
  if (session.options().endless) return std::int64_t{1} << 52;
  const std::int64_t room = model.context_length() - session.position();
  if (prompt > room)
    fail(
        "prompt: {} tokens do not fit: the context has room for {}: use a larger context (-c), or let tokens "
        "be "
        "discarded (--keep)",
        prompt, room);
  return room - prompt;
}

}  // namespace

std::string_view to_text(StopReason reason) {
  constexpr std::string_view kNames[] = {"end_of_text", "length", "context", "stop_text", "interrupted"};
  return kNames[static_cast<std::size_t>(reason)];
}

GenerationResult generate(Session& session, const Model& model, std::span<const TokenId> prompt,
                          const GenerationOptions& options,
                          const std::function<void(std::string_view)>& on_text,
                          const std::atomic<bool>* cancel) {
  if (prompt.empty() && session.position() == 0) fail("prompt: there is no token to start from: give a text");
  const Tokenizer* tokenizer = model.has_tokenizer() ? &model.tokenizer() : nullptr;
  // The last token need not be evaluated, so one more than there is room for can be generated.
  const std::int64_t room = room_behind(session, model, static_cast<std::int64_t>(prompt.size())) + 1;
  const std::int64_t most = options.most_tokens < 0 ? room : std::min(options.most_tokens, room);

  GenerationResult result;
  result.tokens.reserve(static_cast<std::size_t>(std::min(most, kLargestTokenReserve)));
  result.text.reserve(std::min(static_cast<std::size_t>(most) * kTypicalTokenBytes, kLargestTextReserve));
  std::optional<Sampler> own_sampler;
  if (options.sampler == nullptr)
    own_sampler.emplace(options.sampling, vocabulary_of(model));
  Sampler& sampler = own_sampler ? *own_sampler : *options.sampler;
  TextStream stream(tokenizer, begins_text(tokenizer, prompt), options.stops, on_text, result.text);
  for (const TokenId token : prompt)
    if (token >= 0 && token < model.vocabulary_size()) sampler.accept(token);

  const Clock::time_point begin = Clock::now();
  session.evaluate(prompt, LogitsWanted::last, nullptr, cancel);
  const Clock::time_point prefilled = Clock::now();
  result.reason = cancelled(cancel) ? StopReason::interrupted : StopReason::length;
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
    const bool goes_on = stream.push(token);
    if (options.on_token) options.on_token(token);
    if (!goes_on) {
      result.reason = StopReason::stop_text;
      break;
    }
    if (static_cast<std::int64_t>(result.tokens.size()) == most) {
      result.reason = most == options.most_tokens ? StopReason::length : StopReason::context;
      break;
    }
    session.evaluate({&result.tokens.back(), 1});
    if (cancelled(cancel)) result.reason = StopReason::interrupted;
  }
  stream.finish();
  result.prefill_seconds = seconds_between(begin, prefilled);
  result.decode_seconds = seconds_between(prefilled, Clock::now());
  return result;
}

}  // namespace burin::runtime
