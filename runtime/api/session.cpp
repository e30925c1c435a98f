#include "runtime/api/generate.hpp"
#include "runtime/api/states.hpp"

namespace burin {
namespace api {

// Checked here, so that a wrong option is told from what sessions lack.
runtime::SessionOptions session_options(const SessionOptions& options, const runtime::Model& model) {
  const std::int64_t context = model.context_length();
  if (options.endless && (options.keep < 0 || options.keep >= context))
    refuse(ErrorCode::invalid_argument, "keep: {} is out of range: give 0 to {}, less than the context",
           options.keep, context - 1);
  if (options.endless && options.discard != -1 &&
      (options.discard < 1 || options.discard > context - options.keep))
    refuse(ErrorCode::invalid_argument, "discard: {} is out of range: give 1 to {}, or -1 for half of it",
           options.discard, context - options.keep);
  return {options.endless, options.keep, options.discard, options.reserve_memory};
}

SessionState::SessionState(std::shared_ptr<const ModelState> model_state, const SessionOptions& options)
    : shared(std::move(model_state)),
      session(std::make_unique<runtime::Session>(shared->model, session_options(options, *shared->model))),
      sampler(make_sampler(options.sampling, *shared->model)) {}

SessionState::SessionState(const SessionState& other)
    : shared(other.shared),
      session(other.session->fork()),
      sampler(other.sampler),
      has_logits(other.has_logits) {}

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
    state.session->evaluate(tokens, runtime::LogitsWanted::all, &sink, &state.cancelled);
  else
    state.session->evaluate(tokens, runtime::LogitsWanted::last, nullptr, &state.cancelled);
  if (state.cancelled.load(std::memory_order_relaxed))
    refuse(ErrorCode::cancelled, "session: evaluation was cancelled at position {}",
           state.session->position());
  state.has_logits = true;
  for (const TokenId token : tokens) state.sampler.accept(token);
}

TokenId sample(SessionState& state) {
  if (!state.has_logits)
    refuse(ErrorCode::invalid_argument,
           "session: there are no logits to sample from: evaluate a token first");
  return state.sampler.sample(state.session->logits());
}

// A text goes on where the sequence ends; at its start comes what begins texts.
std::vector<TokenId> encode_prompt(SessionState& state, std::string_view text) {
  const runtime::Tokenizer& tokenizer = state.model().tokenizer();
  const bool at_start = state.session->position() == 0;
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
  return state_ && state_->has_logits ? state_->session->logits() : std::span<const float>();
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

std::int64_t Session::position() const noexcept { return state_ ? state_->session->position() : 0; }

std::int64_t Session::cached_tokens() const noexcept { return state_ ? state_->session->cached_tokens() : 0; }

Result<void> Session::reset() noexcept {
  return api::guarded<void>(ErrorCode::failed, [&] {
    const api::Use use(api::deref(state_, "session"));
    state_->session->reset();
    state_->has_logits = false;
  });
}

Result<void> Session::truncate(std::int64_t position) noexcept {
  return api::guarded<void>(ErrorCode::invalid_argument, [&] {
    const api::Use use(api::deref(state_, "session"));
    state_->session->truncate(position);
    state_->has_logits = false;
  });
}

Result<std::int64_t> Session::keep_prefix(std::span<const TokenId> prompt) noexcept {
  return api::guarded<std::int64_t>(ErrorCode::failed, [&] {
    const api::Use use(api::deref(state_, "session"));
    state_->has_logits = false;
    return state_->session->keep_prefix(prompt);
  });
}

Result<Session> Session::fork() noexcept {
  return api::guarded<Session>(ErrorCode::failed, [&] {
    const api::Use use(api::deref(state_, "session"));
    const runtime::PoolsRunOn scope(state_->shared->executor);
    return Session(std::make_unique<api::SessionState>(*state_));
  });
}

Result<void> Session::save(std::string_view path) noexcept {
  return api::guarded<void>(ErrorCode::failed, [&] {
    const api::Use use(api::deref(state_, "session"));
    if (!state_->has_logits && state_->session->position() > 0)
      api::refuse(ErrorCode::invalid_argument,
                  "session: there are no logits to save: evaluate a token first");
    state_->session->save(std::string(path), &state_->sampler);
  });
}

Result<void> Session::restore(std::string_view path) noexcept {
  return api::guarded<void>(ErrorCode::load_failed, [&] {
    const api::Use use(api::deref(state_, "session"));
    state_->session->restore(std::string(path), &state_->sampler);
    state_->has_logits = state_->session->position() > 0;
  });
}

}  // namespace burin
