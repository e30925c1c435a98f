// A token each of several sequences, in one pass over the weights.
#include <algorithm>
#include <deque>
#include <functional>

#include "runtime/exclusive_use.hpp"
#include "runtime/session_state.hpp"

namespace burin::runtime {
namespace {

// Of any number of objects, each once, in the order of their addresses: whoever takes several at once takes
// them in one order.
template <typename Object>
std::vector<Object*> each_once(std::vector<Object*> objects) {
  std::sort(objects.begin(), objects.end(), std::less<>());
  objects.erase(std::unique(objects.begin(), objects.end()), objects.end());
  return objects;
}

}  // namespace

// Sessions that are evaluated together, nobody else's for as long as this lives. Their rows lie in the first one's memory;
// of more sessions than a run has rows, in that of each run's first.
class Session::Together {
 public:
  Together(std::span<Session* const> sessions, std::span<const TokenId> tokens) : tokens_(tokens) {
    if (sessions.size() != tokens.size())
      fail("{} sessions and {} tokens: each takes one", sessions.size(), tokens.size());
    for (Session* session : sessions) states_.push_back(session->state_.get());
    check_sessions();
    for (SessionThreads* threads : each_once(threads_of_all())) evaluations_.emplace_back(*threads);
    check_tokens();  // where nobody else evaluates any more
    for (State* state : states_) state->fit_rotation(1);
    for (State* state : each_once(states_)) uses_.emplace_back(state->changing);
  }

  void evaluate() {
    const std::size_t most =
        static_cast<std::size_t>(std::min(lead().plan().options.chunk, lead().plan().head_rows));
    for (std::size_t first = 0; first < states_.size(); first += most)
      evaluate(first, std::min(first + most, states_.size()));
  }

 private:
  State& lead() const { return *states_.front(); }

  std::vector<SessionThreads*> threads_of_all() const {
    std::vector<SessionThreads*> threads;
    for (const State* state : states_) threads.push_back(state->threads.get());
    return threads;
  }

  void check_sessions() const {
    if (each_once(states_).size() != states_.size())
      fail("sessions: one of the {} is there twice: give each once", states_.size());
    for (const State* state : states_)
      if (state->model != lead().model || state->options != lead().options)
        fail("sessions: they can be evaluated together where model and options are the same only");
  }

  void check_tokens() const {
    lead().check_ids(tokens_);
    for (const State* state : states_) state->check_room(1);
  }

  void evaluate(std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) states_[i]->discard_if_full();
    for (std::size_t i = first; i < last; ++i) states_[i]->make_room(1);
    State& memory = *states_[first];
    memory.workspace.clear_sequences();
    for (std::size_t i = first; i < last; ++i)
      states_[i]->load_rows(memory.workspace, static_cast<std::int64_t>(i - first), tokens_.subspan(i, 1));
    const Rows rows = {0, static_cast<std::int64_t>(last - first)};
    ThreadPool& pool = lead().threads->pool;
    run_program(memory.plan(), memory.bound().together_of(rows.count), memory.workspace, pool, rows);
    run_program(memory.plan(), memory.bound().head_many, memory.workspace, pool, rows);
    for (std::size_t i = first; i < last; ++i)
      states_[i]->take_logits(memory.logits_row(static_cast<std::int64_t>(i - first)));
  }

  std::span<const TokenId> tokens_;
  std::vector<State*> states_;
  std::deque<SessionEvaluation> evaluations_;
  std::deque<ExclusiveUse> uses_;
};

void Session::evaluate_together(std::span<Session* const> sessions, std::span<const TokenId> tokens) {
  if (sessions.size() == 1 && tokens.size() == 1) return sessions.front()->evaluate(tokens);
  if (!sessions.empty() || !tokens.empty()) Together(sessions, tokens).evaluate();
}

}  // namespace burin::runtime
