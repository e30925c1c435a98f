#include "runtime/api/generate.hpp"
#include "runtime/api/states.hpp"

namespace burin {
namespace api {

runtime::SamplingOptions sampling_options(const SamplingOptions& options) {
  return {options.temperature,    options.top_k,       options.top_p, options.min_p,
          options.repeat_penalty, options.repeat_last, options.seed};
}

runtime::Sampler make_sampler(const SamplingOptions& options, const runtime::Model& model) {
  return with_code(ErrorCode::invalid_argument, [&] {
    return runtime::Sampler(sampling_options(options), static_cast<std::size_t>(model.vocabulary_size()));
  });
}

SessionState::SessionState(std::shared_ptr<const ModelState> model_state, const SessionOptions& options)
    : shared(std::move(model_state)),
      session(shared->model),
      sampler(make_sampler(options.sampling, *shared->model)) {}

namespace {

using LogitsSink = std::function<void(std::span<const float>)>;

void evaluate(SessionState& state, std::span<const TokenId> tokens, const LogitsSink* on_logits) {
  check_tokens(state, tokens);
  if (tokens.empty()) return;
  state.has_logits = false;
  const LogitsSink sink = [&](std::span<const float> row) {
    call_host("on_logits", [&] { (*on_logits)(row); });
  };
  if (on_logits != nullptr)
    state.session.evaluate(tokens, runtime::LogitsWanted::all, &sink, &state.cancelled);
  else
    state.session.evaluate(tokens, runtime::LogitsWanted::last, nullptr, &state.cancelled);
  if (state.cancelled.load(std::memory_order_relaxed))
    refuse(ErrorCode::cancelled, "session: evaluation was cancelled at position {}",
           state.session.position());
  state.has_logits = true;
  for (const TokenId token : tokens) state.sampler.accept(token);
}

TokenId sample(SessionState& state) {
  if (!state.has_logits)
    refuse(ErrorCode::invalid_argument,
           "session: there are no logits to sample from: evaluate a token first");
  return state.sampler.sample(state.session.logits());
}

// A text goes on where the sequence ends; at its start comes what begins texts.
std::vector<TokenId> encode_prompt(SessionState& state, std::string_view text) {
  const runtime::Tokenizer& tokenizer = state.model().tokenizer();
  const bool at_start = state.session.position() == 0;
  std::vector<TokenId> tokens = tokenizer.encode(text, {.add_special = at_start, .parse_special = true});
  if (tokens.empty() && at_start && tokenizer.bos() >= 0) tokens.push_back(tokenizer.bos());
  return tokens;
}

}  // namespace
}  // namespace api

Session::Session(std::unique_ptr<api::SessionState> state) noexcept : state_(std::move(state)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Result<Session> Session::create(const Model& model, const SessionOptions& options) noexcept {
  return api::guarded<Session>(ErrorCode::failed, [&] {
    const runtime::PoolsRunOn scope(api::deref(model.state_, "model").executor);
    return Session(std::make_unique<api::SessionState>(model.state_, options));
  });
}

Result<void> Session::evaluate(std::span<const TokenId> tokens) noexcept {
  return api::guarded<void>(ErrorCode::failed, [&] {
    const api::Use use(api::deref(state_, "session"));
    api::evaluate(*state_, tokens, nullptr);
  });
}

Result<void> Session::evaluate(std::span<const TokenId> tokens,
                               const std::function<void(std::span<const float>)>& on_logits) noexcept {
  return api::guarded<void>(ErrorCode::failed, [&] {
    const api::Use use(api::deref(state_, "session"));
    api::evaluate(*state_, tokens, on_logits ? &on_logits : nullptr);
  });
}

std::span<const float> Session::logits() const noexcept {
  return state_ && state_->has_logits ? state_->session.logits() : std::span<const float>();
}

Result<TokenId> Session::sample() noexcept {
  return api::guarded<TokenId>(ErrorCode::failed, [&] {
    const api::Use use(api::deref(state_, "session"));
    return api::sample(*state_);
  });
}

Result<void> Session::set_sampling(const SamplingOptions& options) noexcept {
  return api::guarded<void>(ErrorCode::failed, [&] {
    const api::Use use(api::deref(state_, "session"));
    state_->sampler = api::make_sampler(options, state_->model());
  });
}

Result<Generation> Session::generate(std::span<const TokenId> prompt, const GenerationOptions& options,
                                     const OnToken& on_token) noexcept {
  return api::guarded<Generation>(ErrorCode::failed, [&] {
    const api::Use use(api::deref(state_, "session"));
    return api::generate(*state_, prompt, options, on_token);
  });
}

Result<Generation> Session::generate(std::string_view prompt, const GenerationOptions& options,
                                     const OnToken& on_token) noexcept {
  return api::guarded<Generation>(ErrorCode::failed, [&] {
    const api::Use use(api::deref(state_, "session"));
    return api::generate(*state_, api::encode_prompt(*state_, prompt), options, on_token);
  });
}

Result<Generation> Session::generate(std::span<const TokenId> prompt, const GenerationOptions& options,
                                     Streamer& streamer) noexcept {
  return api::guarded<Generation>(ErrorCode::failed, [&] {
    const api::Use use(api::deref(state_, "session"));
    return api::generate(*state_, prompt, options, streamer);
  });
}

void Session::cancel() noexcept {
  if (state_) state_->cancelled.store(true, std::memory_order_relaxed);
}

std::int64_t Session::position() const noexcept { return state_ ? state_->session.position() : 0; }

Result<void> Session::reset() noexcept {
  return api::guarded<void>(ErrorCode::failed, [&] {
    const api::Use use(api::deref(state_, "session"));
    state_->session.reset();
    state_->has_logits = false;
  });
}

}  // namespace burin
