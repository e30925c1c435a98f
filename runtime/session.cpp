#include "runtime/session.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>

#include "jit/error.hpp"
#include "runtime/cancellation.hpp"
#include "runtime/exclusive_use.hpp"
#include "runtime/model_identity.hpp"
#include "runtime/sampling/model_vocabulary.hpp"
#include "runtime/session_state.hpp"

namespace burin::runtime {

Session::Session(std::shared_ptr<const Model> model, const SessionOptions& options)
    : state_(std::make_unique<State>(std::move(model), options)) {}
Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::~Session() = default;

void Session::evaluate(std::span<const TokenId> tokens, LogitsWanted wanted,
                       const std::function<void(std::span<const float>)>* sink,
                       const std::atomic<bool>* cancel) {
  State& s = *state_;
  const SessionEvaluation evaluation(*s.threads);
  s.check_ids(tokens);
  s.check_room(static_cast<std::int64_t>(tokens.size()));
  s.fit_rotation(tokens.size());
  while (!tokens.empty()) {
    if (is_cancelled(cancel)) return;
    const ExclusiveUse use(s.changing);
    s.discard_if_full();
    const std::size_t rows = s.rows_at_once(tokens.size());
    s.run_chunk(tokens.first(rows));
    tokens = tokens.subspan(rows);
    if (wanted == LogitsWanted::all && sink != nullptr)
      s.run_heads(static_cast<std::int64_t>(rows), *sink);
    else if (tokens.empty())
      s.run_head(static_cast<std::int64_t>(rows) - 1);
  }
}

void Session::trace(std::span<const TokenId> tokens, const StepSink& sink) {
  State& s = *state_;
  const SessionEvaluation evaluation(*s.threads);
  s.check_ids(tokens);
  s.check_room(static_cast<std::int64_t>(tokens.size()));
  s.fit_rotation(tokens.size());
  while (!tokens.empty()) {
    const ExclusiveUse use(s.changing);
    s.discard_if_full();
    const std::size_t rows = s.rows_at_once(tokens.size());
    s.trace_chunk(tokens.first(rows), sink);
    tokens = tokens.subspan(rows);
    if (tokens.empty())
      trace_program(s.plan(), "head", s.plan().head_one, s.bound().head_one, s.workspace, s.threads->pool,
                    {static_cast<std::int64_t>(rows) - 1, 1}, s.window.position() - 1, sink);
  }
  s.last_row = 0;
}

std::span<const float> Session::logits() const { return state_->logits_row(state_->last_row); }
std::int64_t Session::position() const { return state_->forgotten + state_->window.position(); }
std::int64_t Session::cached_tokens() const { return state_->window.count(); }
std::size_t Session::cache_bytes() const { return state_->workspace.kv.bytes(); }
const SessionOptions& Session::options() const { return state_->options; }

std::size_t Session::cache_bytes(std::span<const Session* const> sessions) {
  std::set<const std::byte*> counted;
  std::size_t bytes = 0;
  for (const Session* session : sessions)
    for (const KvCache::Ring& ring : session->state_->workspace.kv.rings())
      for (const KvBlock& block : ring.blocks)
        if (!block.empty() && counted.insert(block.data()).second) bytes += ring.block_bytes;
  return bytes;
}

bool Session::evaluates_again() const { return state_->options.endless && state_->learned_positions; }

void Session::reset() {
  const ExclusiveUse use(state_->changing);
  state_->reset();
}

void Session::truncate(std::int64_t position) {
  const SessionEvaluation evaluation(*state_->threads);
  const ExclusiveUse use(state_->changing);
  state_->truncate(position);
}

std::int64_t Session::keep_prefix(std::span<const TokenId> prompt) {
  const SessionEvaluation evaluation(*state_->threads);
  const ExclusiveUse use(state_->changing);
  State& s = *state_;
  std::int64_t common = 0;
  if (s.window.removed() == 0 && s.forgotten == 0 && !prompt.empty()) {
    const std::int64_t most = std::min(static_cast<std::int64_t>(prompt.size()) - 1, s.window.count());
    while (common < most && s.window.at(common) == prompt[static_cast<std::size_t>(common)]) ++common;
  }
  if (common == 0)
    s.reset();
  else
    s.truncate(common);
  return common;
}

std::unique_ptr<Session> Session::fork(ForkThreads threads) const {
  const State& s = *state_;
  auto state =
      std::make_unique<State>(s.model, s.options, threads == ForkThreads::shared ? s.threads : nullptr);
  const ExclusiveUse use(s.changing);
  state->take_sequence(s);
  return std::unique_ptr<Session>(new Session(std::move(state)));
}

void Session::continue_from(const Session& other) {
  State& s = *state_;
  const State& o = *other.state_;
  if (&s == &o) return;
  if (s.model != o.model || s.options != o.options)
    fail("session: it can go on from one of the same model with the same options only: fork that one");
  const SessionEvaluation evaluation(*s.threads);
  // In one order, whichever goes on from which.
  const bool mine_first = std::less<>()(&s, &o);
  const ExclusiveUse first((mine_first ? s : o).changing);
  const ExclusiveUse second((mine_first ? o : s).changing);
  s.take_sequence(o);
}

void Session::save(const std::string& path, const Sampler* sampler) const {
  const ExclusiveUse use(state_->changing);
  const std::string identity = model_identity(*state_->model);
  std::optional<SamplerState> sampling;
  if (sampler != nullptr) sampling = sampler->state();
  write_sequence(path, state_->parts(identity, sampling));
}

// The file is read into parts of their own, so that nothing is lost where it is damaged.
void Session::restore(const std::string& path, Sampler* sampler) {
  State& s = *state_;
  const SessionEvaluation evaluation(*s.threads);
  const ExclusiveUse use(s.changing);
  KvCache kv(s.plan(), s.options.keep);
  TokenWindow window(s.window.context(), s.window.rule());
  SinkKeys sinks(s.plan(), s.options.keep);
  std::int64_t forgotten = 0;
  std::int64_t rotated_for = 0;
  std::vector<float> logits(s.logits_row(0).size());
  const std::string identity = model_identity(*s.model);
  std::optional<SamplerState> sampling;
  read_sequence(path, {s.plan(), identity, kv, window, sinks, forgotten, rotated_for, logits, sampling});
  std::optional<Sampler> sampler_of_file;
  if (sampler != nullptr && sampling) sampler_of_file.emplace(*sampling, vocabulary_of(*s.model));
  s.workspace.kv = std::move(kv);
  s.window = std::move(window);
  s.sinks = std::move(sinks);
  s.forgotten = forgotten;
  s.rotation.fit(rotated_for);
  s.take_logits(logits);
  if (sampler_of_file) *sampler = std::move(*sampler_of_file);
}

std::vector<Session::StepTime> Session::step_times(bool reset) {
  std::vector<StepTime> times;
  const std::vector<graph::StepGroup>& groups = state_->bound().groups;
  for (std::size_t i = 0; i < groups.size(); ++i)
    times.push_back({groups[i], state_->workspace.step_seconds[i]});
  if (reset) std::fill(state_->workspace.step_seconds.begin(), state_->workspace.step_seconds.end(), 0.0);
  return times;
}

void Session::measure_steps(bool on) { state_->workspace.measure = on; }

}  // namespace burin::runtime
