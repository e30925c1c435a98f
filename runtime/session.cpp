#include "runtime/session.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <set>

#include "graph/plan.hpp"
#include "jit/error.hpp"
#include "runtime/cancellation.hpp"
#include "runtime/exclusive_use.hpp"
#include "runtime/executor.hpp"
#include "runtime/kv/sequence_file.hpp"
#include "runtime/kv/sink_keys.hpp"
#include "runtime/kv/token_window.hpp"
#include "runtime/model_identity.hpp"
#include "runtime/model_state.hpp"
#include "runtime/sampling/model_vocabulary.hpp"
#include "runtime/sequence_rotation.hpp"
#include "runtime/trace.hpp"

namespace burin::runtime {
namespace {

void check_streaming(const SessionOptions& options, std::int64_t context) {
  if (options.keep < 0 || options.keep >= context)
    fail("keep is {}: must be 0 to {}, one less than the context", options.keep, context - 1);
  if (options.discard < -1 || options.discard == 0 || options.discard > context - options.keep)
    fail(
        "discard is {}: must be 1 to {}, what the context of {} has behind {} kept tokens, or -1 for half of "
        "it",
        options.discard, context - options.keep, context, options.keep);
}

SessionOptions resolved(SessionOptions options, std::int64_t context) {
  if (!options.endless) {
    options.keep = 0;
    options.discard = 0;
    return options;
  }
  check_streaming(options, context);
  if (options.discard < 0) options.discard = std::max<std::int64_t>((context - options.keep) / 2, 1);
  return options;
}

// Whether tokens' positions are part of their embeddings, so that they cannot move.
bool has_learned_positions(const graph::Plan& plan) {
  return std::any_of(plan.decode.begin(), plan.decode.end(),
                     [](const graph::Step& step) { return step.by_position; });
}

// What sessions compute on. Forks may share it.
struct Threads {
  explicit Threads(int count) : pool(count) {}
  ThreadPool pool;
  std::atomic<bool> evaluating{false};
};

}  // namespace

struct Session::State {
  State(std::shared_ptr<const Model> m, const SessionOptions& o, std::shared_ptr<Threads> t = nullptr)
      : model(std::move(m)),
        options(resolved(o, model->context_length())),
        learned_positions(has_learned_positions(model->plan())),
        workspace(model->plan(), model->threads(), options.keep),
        window(model->context_length(), {options.endless, options.keep, options.discard}),
        sinks(model->plan(), options.keep),
        rotation(model->state().weights.ropes),
        threads(t ? std::move(t) : std::make_shared<Threads>(model->threads())) {
    if (options.endless && learned_positions) left.resize(static_cast<std::size_t>(model->context_length()));
    if (options.reserve) workspace.kv.make_all_room();
    workspace.step_seconds.resize(bound().groups.size());
  }

  const graph::Plan& plan() const { return model->plan(); }
  const BoundPlan& bound() const { return model->state().bound; }

  std::span<float> logits_row(std::int64_t row) const {
    const graph::Buffer& buffer = plan().buffers[static_cast<std::size_t>(plan().logits)];
    auto* first = reinterpret_cast<float*>(workspace.arena() + buffer.offset) + row * buffer.width;
    return {first, static_cast<std::size_t>(plan().vocabulary)};
  }

  // Queries grow with the number of tokens they see, beyond what the model was trained with (Qwen 1).
  void fill_query_factors(std::int64_t rows) {
    const auto context = static_cast<double>(plan().log_context);
    for (std::int64_t row = 0; row < rows; ++row) {
      const auto length = static_cast<double>(window.count() + row + 1);
      workspace.query_factors[static_cast<std::size_t>(row)] =
          length > context ? static_cast<float>(std::log(length) / std::log(context)) : 1;
    }
  }

  void fill_positions(std::int64_t rows) {
    if (plan().log_context > 0) fill_query_factors(rows);
    for (std::int64_t row = 0; row < rows; ++row)
      workspace.positions[static_cast<std::size_t>(row)] = static_cast<std::int32_t>(window.count() + row);
    const std::int64_t floats = plan().heads.rotation_row();
    for (std::size_t rope = 0; rope < plan().ropes.size(); ++rope)
      rotation.fill_rows(rope, window.position(), floats,
                         std::span(workspace.rotations[rope]).first(static_cast<std::size_t>(rows * floats)));
  }

  // Of `tokens`: what fits into a chunk, the context, and slots in a row.
  std::size_t rows_at_once(std::size_t tokens) const {
    const std::int64_t rows = std::min({static_cast<std::int64_t>(tokens), plan().options.chunk,
                                        window.room(), workspace.kv.slots_in_a_row(window.position())});
    return static_cast<std::size_t>(rows);
  }

  // Everything that running the chunk needs; the tokens count as cached from then on.
  Rows load_chunk(std::span<const TokenId> tokens) {
    const Rows rows = {0, static_cast<std::int64_t>(tokens.size()), window.position()};
    workspace.kv.make_room(rows.position, rows.count);
    workspace.kv.show(rows.position, rows.count, window.removed());
    std::copy(tokens.begin(), tokens.end(), workspace.tokens.begin());
    fill_positions(rows.count);
    window.append(tokens);
    return rows;
  }

  void run_chunk(std::span<const TokenId> tokens) {
    const Rows rows = load_chunk(tokens);
    run_program(plan(), rows.count == 1 ? bound().decode : bound().prefill, workspace, threads->pool, rows);
  }

  void trace_chunk(std::span<const TokenId> tokens, const StepSink& sink) {
    const Rows rows = load_chunk(tokens);
    if (rows.count == 1)
      trace_program(plan(), "decode", plan().decode, bound().decode, workspace, threads->pool, rows,
                    rows.position, sink);
    else
      trace_program(plan(), "prefill", plan().prefill, bound().prefill, workspace, threads->pool, rows,
                    rows.position, sink);
  }

  // Logits of the chunk's row `row`, to row 0 of the buffer.
  void run_head(std::int64_t row) {
    run_program(plan(), bound().head_one, workspace, threads->pool, {row, 1, 0});
    last_row = 0;
  }

  void run_heads(std::int64_t rows, const std::function<void(std::span<const float>)>& sink) {
    for (std::int64_t first = 0; first < rows; first += plan().head_rows) {
      const std::int64_t count = std::min(plan().head_rows, rows - first);
      run_program(plan(), bound().head_many, workspace, threads->pool, {first, count, 0});
      last_row = count - 1;
      for (std::int64_t row = 0; row < count; ++row) sink(logits_row(row));
    }
  }

  // Where the context is full, the oldest tokens behind the sinks go.
  void discard_if_full() {
    if (!options.endless || window.room() > 0) return;
    window.discard();
    if (learned_positions)
      evaluate_again(window.count());
    else
      sinks.move(workspace.kv, rotation.frequencies(), window.removed());
  }

  // Before `tokens` more are evaluated. As the model defines it, all positions of a sequence rotate by its length; once it
  // has been full, it counts as that long.
  void fit_rotation(std::size_t tokens) {
    const ExclusiveUse use(changing);
    std::int64_t length = std::min(window.count() + static_cast<std::int64_t>(tokens), window.context());
    if (window.removed() > 0) length = window.context();
    if (rotation.fit(length) && window.count() > 0) evaluate_again(window.count());
  }

  // Forgets everything but the first `count` cached tokens, and evaluates those from position 0 on.
  void evaluate_again(std::int64_t count) {
    left.resize(static_cast<std::size_t>(window.count()));
    window.copy_to(left);
    forgotten += window.removed();
    window.restart();
    workspace.kv.forget(0);
    sinks.forget();
    std::span<const TokenId> tokens = std::span(left).first(static_cast<std::size_t>(count));
    while (!tokens.empty()) {
      const std::size_t rows = rows_at_once(tokens.size());
      run_chunk(tokens.first(rows));
      tokens = tokens.subspan(rows);
    }
  }

  void check(std::span<const TokenId> tokens) const {
    for (std::size_t i = 0; i < tokens.size(); ++i)
      if (tokens[i] < 0 || tokens[i] >= plan().vocabulary)
        fail("token {} of the input is {}: the vocabulary has ids 0 to {}", i, tokens[i],
             plan().vocabulary - 1);
    if (!options.endless && static_cast<std::int64_t>(tokens.size()) > window.room())
      fail(
          "context is full: {} tokens are in it, {} more do not fit into {}: use a larger context, or let "
          "tokens be "
          "discarded (--keep)",
          window.count(), tokens.size(), window.context());
  }

  void truncate(std::int64_t position) {
    const std::int64_t from = window.position();
    const std::int64_t to = position - forgotten;
    const bool stays = workspace.kv.can_go_back(from, to);
    if ((!stays && window.removed() > 0) || !window.cut(to))
      fail("sequence of {} tokens: cannot go back to {}: what was there is discarded or overwritten",
           forgotten + from, position);
    if (!stays)
      evaluate_again(to);
    else
      workspace.kv.forget(to);
  }

  SequenceParts parts(const std::string& identity, std::optional<SamplerState>& sampling) {
    rotated_for = rotation.fitted();
    return {plan(),    identity,    workspace.kv,         window,  sinks,
            forgotten, rotated_for, logits_row(last_row), sampling};
  }

  // Blocks of the cache are shared from then on.
  void take_sequence(const State& other) {
    workspace.kv = other.workspace.kv;
    window = other.window;
    sinks = other.sinks;
    rotation = other.rotation;
    forgotten = other.forgotten;
    last_row = 0;
    const std::span<const float> logits = other.logits_row(other.last_row);
    std::copy(logits.begin(), logits.end(), logits_row(0).begin());
  }

  void reset() {
    rotation.fit(0);
    window.restart();
    forgotten = 0;
    sinks.forget();
    workspace.kv.forget(0);
  }

  std::shared_ptr<const Model> model;
  SessionOptions options;  // nothing automatic
  bool learned_positions;
  Workspace workspace;
  TokenWindow window;
  SinkKeys sinks;
  SequenceRotation rotation;
  std::vector<TokenId> left;     // while they are evaluated again
  std::int64_t forgotten = 0;    // tokens fed before the window's position 0
  std::int64_t rotated_for = 0;  // while the sequence is written: length that keys rotate for
  std::int64_t last_row = 0;     // of the logits buffer
  std::shared_ptr<Threads>
      threads;  // its own, but for some forks: sessions of a model never wait for each other
  mutable std::atomic<int> changing{0};  // the sequence; see ExclusiveUse
};

namespace {

// Refuses a second thread.
class Evaluation {
 public:
  explicit Evaluation(std::atomic<bool>& evaluating) : evaluating_(evaluating) {
    if (evaluating_.exchange(true, std::memory_order_acquire))
      fail("session: another thread is evaluating: use a session for each, or fork()");
  }
  ~Evaluation() { evaluating_.store(false, std::memory_order_release); }
  Evaluation(const Evaluation&) = delete;

 private:
  std::atomic<bool>& evaluating_;
};

}  // namespace

Session::Session(std::shared_ptr<const Model> model, const SessionOptions& options)
    : state_(std::make_unique<State>(std::move(model), options)) {}
Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::~Session() = default;

void Session::evaluate(std::span<const TokenId> tokens, LogitsWanted wanted,
                       const std::function<void(std::span<const float>)>* sink,
                       const std::atomic<bool>* cancel) {
  State& s = *state_;
  const Evaluation evaluation(s.threads->evaluating);
  s.check(tokens);
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
  const Evaluation evaluation(s.threads->evaluating);
  s.check(tokens);
  s.fit_rotation(tokens.size());
  while (!tokens.empty()) {
    const ExclusiveUse use(s.changing);
    s.discard_if_full();
    const std::size_t rows = s.rows_at_once(tokens.size());
    s.trace_chunk(tokens.first(rows), sink);
    tokens = tokens.subspan(rows);
    if (tokens.empty())
      trace_program(s.plan(), "head", s.plan().head_one, s.bound().head_one, s.workspace, s.threads->pool,
                    {static_cast<std::int64_t>(rows) - 1, 1, 0}, s.window.position() - 1, sink);
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
  const Evaluation evaluation(state_->threads->evaluating);
  const ExclusiveUse use(state_->changing);
  state_->truncate(position);
}

std::int64_t Session::keep_prefix(std::span<const TokenId> prompt) {
  const Evaluation evaluation(state_->threads->evaluating);
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
  const Evaluation evaluation(s.threads->evaluating);
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
  const Evaluation evaluation(s.threads->evaluating);
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
  std::copy(logits.begin(), logits.end(), s.logits_row(0).begin());
  s.last_row = 0;
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
