// A token each of several sessions.
#include <deque>

#include "runtime/api/generate.hpp"
#include "runtime/api/states.hpp"

namespace burin {
namespace api {
namespace {

using States = std::span<SessionState* const>;

void check(const States& states, std::span<const TokenId> tokens) {
  if (states.size() != tokens.size())
    refuse(ErrorCode::invalid_argument, "{} sessions and {} tokens: each takes one", states.size(),
           tokens.size());
  for (std::size_t i = 0; i < states.size(); ++i) {
    check_tokens(*states[i], tokens.subspan(i, 1));
    if (&states[i]->model() != &states[0]->model() ||
        states[i]->session->options() != states[0]->session->options())
      refuse(ErrorCode::invalid_argument,
             "sessions: they can be evaluated together where model and options are the same only");
  }
}

void evaluate(const States& states, std::span<const TokenId> tokens) {
  check(states, tokens);
  std::vector<runtime::Session*> sessions;
  for (SessionState* state : states) {
    state->has_logits = false;
    sessions.push_back(state->session.get());
  }
  runtime::Session::evaluate_together(sessions, tokens);
  for (std::size_t i = 0; i < states.size(); ++i) {
    states[i]->has_logits = true;
    states[i]->sampler.accept(tokens[i]);
  }
}

}  // namespace
}  // namespace api

Result<void> Session::evaluate_together(std::span<Session* const> sessions,
                                        std::span<const TokenId> tokens) noexcept {
  return api::guarded<void>(ErrorCode::failed, [&] {
    std::deque<api::Use> uses;  // one that is there twice finds itself in use
    std::vector<api::SessionState*> states;
    for (Session* const session : sessions) {
      if (session == nullptr) api::refuse(ErrorCode::invalid_argument, "sessions: one is null");
      states.push_back(&api::deref(session->state_, "session"));
      uses.emplace_back(*states.back());
    }
    api::evaluate(states, tokens);
  });
}

}  // namespace burin
