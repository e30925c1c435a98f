#include "runtime/session_state.hpp"

#include <algorithm>
#include <cmath>

#include "runtime/exclusive_use.hpp"

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

bool has_learned_positions(const graph::Plan& plan) {
  return std::any_of(plan.decode.begin(), plan.decode.end(),
                     [](const graph::Step& step) { return step.by_position; });
}

// Elements first .. first + count - 1.
template <typename Element>
std::span<Element> part(std::vector<Element>& all, std::int64_t first, std::int64_t count) {
  return std::span(all).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
}

}  // namespace

Session::State::State(std::shared_ptr<const Model> m, const SessionOptions& o,
                      std::shared_ptr<SessionThreads> t)
    : model(std::move(m)),
      options(resolved(o, model->context_length())),
      learned_positions(has_learned_positions(model->plan())),
      workspace(model->plan(), model->threads(), options.keep),
      window(model->context_length(), {options.endless, options.keep, options.discard}),
      sinks(model->plan(), options.keep),
      rotation(model->state().weights.ropes),
      threads(t ? std::move(t) : std::make_shared<SessionThreads>(model->threads())) {
  if (options.endless && learned_positions) left.resize(static_cast<std::size_t>(model->context_length()));
  if (options.reserve) workspace.kv.make_all_room();
  workspace.step_seconds.resize(bound().groups.size());
}

std::span<float> Session::State::logits_row(std::int64_t row) const {
  const graph::Buffer& buffer = plan().buffers[static_cast<std::size_t>(plan().logits)];
  auto* first = reinterpret_cast<float*>(workspace.arena() + buffer.offset) + row * buffer.width;
  return {first, static_cast<std::size_t>(plan().vocabulary)};
}

void Session::State::check_ids(std::span<const TokenId> tokens) const {
  for (std::size_t i = 0; i < tokens.size(); ++i)
    if (tokens[i] < 0 || tokens[i] >= plan().vocabulary)
      fail("token {} of the input is {}: the vocabulary has ids 0 to {}", i, tokens[i],
           plan().vocabulary - 1);
}

void Session::State::check_room(std::int64_t tokens) const {
  if (options.endless || tokens <= window.room()) return;
  fail(
      "context is full: {} tokens are in it, {} more do not fit into {}: use a larger context, or let tokens "
      "be discarded (--keep)",
      window.count(), tokens, window.context());
}

std::size_t Session::State::rows_at_once(std::size_t tokens) const {
  const std::int64_t rows = std::min({static_cast<std::int64_t>(tokens), plan().options.chunk, window.room(),
                                      workspace.kv.slots_in_a_row(window.position())});
  return static_cast<std::size_t>(rows);
}

// Queries grow with the number of tokens they see, beyond what the model was trained with (Qwen 1).
void Session::State::fill_query_factors(Workspace& to, std::int64_t first, std::int64_t rows) const {
  const auto context = static_cast<double>(plan().log_context);
  auto length = static_cast<double>(window.count());
  for (float& factor : part(to.query_factors, first, rows)) {
    length += 1;
    factor = length > context ? static_cast<float>(std::log(length) / std::log(context)) : 1;
  }
}

void Session::State::fill_positions(Workspace& to, std::int64_t first, std::int64_t rows) const {
  if (plan().log_context > 0) fill_query_factors(to, first, rows);
  auto position = static_cast<std::int32_t>(window.count());
  for (std::int32_t& row : part(to.positions, first, rows)) row = position++;
  const std::int64_t floats = plan().heads.rotation_row();
  for (std::size_t rope = 0; rope < plan().ropes.size(); ++rope)
    rotation.fill_rows(rope, window.position(), floats,
                       part(to.rotations[rope], first * floats, rows * floats));
}

void Session::State::make_room(std::int64_t tokens) { workspace.kv.make_room(window.position(), tokens); }

void Session::State::load_rows(Workspace& to, std::int64_t first, std::span<const TokenId> tokens) {
  const auto rows = static_cast<std::int64_t>(tokens.size());
  KvCache& kv = workspace.kv;
  kv.show(window.position(), rows, window.removed());
  to.add_sequence({&kv, first, rows, window.position()});
  std::copy(tokens.begin(), tokens.end(), part(to.tokens, first, rows).begin());
  fill_positions(to, first, rows);
  window.append(tokens);
}

void Session::State::load_chunk(std::span<const TokenId> tokens) {
  make_room(static_cast<std::int64_t>(tokens.size()));
  workspace.clear_sequences();
  load_rows(workspace, 0, tokens);
}

void Session::State::run_chunk(std::span<const TokenId> tokens) {
  load_chunk(tokens);
  const auto rows = static_cast<std::int64_t>(tokens.size());
  run_program(plan(), bound().layers_of(rows), workspace, threads->pool, {0, rows});
}

void Session::State::trace_chunk(std::span<const TokenId> tokens, const StepSink& sink) {
  const std::int64_t position = window.position();
  const Rows rows = {0, static_cast<std::int64_t>(tokens.size())};
  load_chunk(tokens);
  trace_program(plan(), rows.count == 1 ? "decode" : "prefill", plan().layers_of(rows.count),
                bound().layers_of(rows.count), workspace, threads->pool, rows, position, sink);
}

void Session::State::run_head(std::int64_t row) {
  run_program(plan(), bound().head_one, workspace, threads->pool, {row, 1});
  last_row = 0;
}

void Session::State::run_heads(std::int64_t rows, const std::function<void(std::span<const float>)>& sink) {
  for (std::int64_t first = 0; first < rows; first += plan().head_rows) {
    const std::int64_t count = std::min(plan().head_rows, rows - first);
    run_program(plan(), bound().head_many, workspace, threads->pool, {first, count});
    last_row = count - 1;
    for (std::int64_t row = 0; row < count; ++row) sink(logits_row(row));
  }
}

void Session::State::discard_if_full() {
  if (!options.endless || window.room() > 0) return;
  window.discard();
  if (learned_positions)
    evaluate_again(window.count());
  else
    sinks.move(workspace.kv, rotation.frequencies(), window.removed());
}

void Session::State::fit_rotation(std::size_t tokens) {
  const ExclusiveUse use(changing);
  std::int64_t length = std::min(window.count() + static_cast<std::int64_t>(tokens), window.context());
  if (window.removed() > 0) length = window.context();
  if (rotation.fit(length) && window.count() > 0) evaluate_again(window.count());
}

void Session::State::evaluate_again(std::int64_t count) {
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

void Session::State::truncate(std::int64_t position) {
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

SequenceParts Session::State::parts(const std::string& identity, std::optional<SamplerState>& sampling) {
  rotated_for = rotation.fitted();
  return {plan(),    identity,    workspace.kv,         window,  sinks,
          forgotten, rotated_for, logits_row(last_row), sampling};
}

void Session::State::take_logits(std::span<const float> logits) {
  if (logits.data() != logits_row(0).data()) std::copy(logits.begin(), logits.end(), logits_row(0).begin());
  last_row = 0;
}

void Session::State::take_sequence(const State& other) {
  workspace.kv = other.workspace.kv;
  window = other.window;
  sinks = other.sinks;
  rotation = other.rotation;
  forgotten = other.forgotten;
  take_logits(other.logits_row(other.last_row));
}

void Session::State::reset() {
  rotation.fit(0);
  window.restart();
  forgotten = 0;
  sinks.forget();
  workspace.kv.forget(0);
}

}  // namespace burin::runtime
