#include "runtime/session.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <future>
#include <system_error>

#include "graph/arch/architectures.hpp"
#include "graph/plan.hpp"
#include "jit/error.hpp"
#include "runtime/block_signals.hpp"
#include "runtime/executor.hpp"
#include "runtime/kernel_bundle.hpp"
#include "runtime/model_state.hpp"
#include "runtime/plan_kernels.hpp"
#include "runtime/synthetic.hpp"
#include "runtime/trace.hpp"

namespace burin::runtime {
namespace {

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Where only bundles may be used, the host is what they have kernels for.
jit::Target target_of(const LoadOptions& options, const std::vector<jit::Bundle>& bundles) {
  if (options.target == "detect" && !options.emit && !bundles.empty()) return best_target(bundles);
  return jit::parse_target(options.target);
}

std::unique_ptr<jit::KernelStore> make_store(const LoadOptions& options,
                                             const std::vector<jit::Bundle>& bundles) {
  jit::KernelSources sources = {bundles, std::nullopt, options.emit};
  if (!options.cache_folder.empty()) sources.disk = jit::DiskCacheOptions{options.cache_folder};
  return std::make_unique<jit::KernelStore>(std::move(sources));
}

// Syncing files takes its time, but packing weights takes longer: a thread writes meanwhile.
std::future<void> start_writing(jit::KernelStore& store) {
  const auto write = [&store] { store.write_back(); };
  const BlockProcessSignals blocked;
  try {
    return std::async(std::launch::async, write);
  } catch (const std::system_error&) {
    return std::async(std::launch::deferred, write);  // no thread to be had: by this one, later
  }
}

// Plans, packs (or makes up) the weights and binds the kernels.
void prepare_model(Model::State& state, const graph::ModelDescription& description,
                   const LoadOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  std::vector<jit::Bundle> bundles;
  for (const std::string& path : options.bundles) bundles.push_back(jit::Bundle::open(path));
  const jit::Target target = target_of(options, bundles);
  jit::require_host_can_run(target);
  state.plan = graph::make_plan(description, target, options.plan);
  ThreadPool pool(options.threads);
  state.threads = pool.size();
  state.kernels = make_store(options, bundles);
  resolve_kernels(state.plan, *state.kernels, bundles);
  std::future<void> written = start_writing(*state.kernels);
  state.weights = state.file ? pack_weights(state.plan, *state.file, pool, options.progress)
                             : synthetic_weights(state.plan, pool);
  written.get();
  state.bound = bind(state.plan, state.weights, *state.kernels);
  const jit::KernelCounts counts = state.kernels->counts();
  LoadStatistics& statistics = state.statistics;
  statistics.seconds = seconds_since(begin);
  statistics.kernels_emitted = counts.emitted;
  statistics.kernels_from_disk = counts.from_disk;
  statistics.kernels_from_bundle = counts.from_bundle;
  statistics.emit_milliseconds = counts.emit_milliseconds;
  statistics.disk_milliseconds = counts.disk_milliseconds;
  statistics.weight_bytes = state.plan.weight_bytes;
  statistics.notes = state.kernels->notes();
  for (std::string& note : bundle_notes(bundles, state.plan, counts))
    statistics.notes.push_back(std::move(note));
}

}  // namespace

Model::Model(std::unique_ptr<State> state) : state_(std::move(state)) {}
Model::~Model() = default;

std::shared_ptr<const Model> Model::load(const std::string& path, const LoadOptions& options) {
  auto state = std::make_unique<State>();
  state->file = ModelFile::open(path);
  state->tokenizer = Tokenizer::load(*state->file);  // first: packing takes long, and this may fail
  prepare_model(*state, state->file->description(), options);
  return std::shared_ptr<const Model>(new Model(std::move(state)));
}

std::shared_ptr<const Model> Model::synthetic(const std::string& shape, const LoadOptions& options) {
  auto state = std::make_unique<State>();
  prepare_model(*state, synthetic_description(shape), options);
  return std::shared_ptr<const Model>(new Model(std::move(state)));
}

bool Model::has_tokenizer() const { return state_->tokenizer != nullptr; }

const Tokenizer& Model::tokenizer() const {
  if (!state_->tokenizer) fail("{}: a synthetic model has no tokenizer: give token ids", state_->plan.model);
  return *state_->tokenizer;
}

const graph::Plan& Model::plan() const { return state_->plan; }
const LoadStatistics& Model::statistics() const { return state_->statistics; }
const std::string& Model::target_name() const { return state_->plan.target.name; }
std::int64_t Model::vocabulary_size() const { return state_->plan.vocabulary; }
std::int64_t Model::context_length() const { return state_->plan.options.context; }
int Model::threads() const { return state_->threads; }

struct Session::State {
  explicit State(std::shared_ptr<const Model> m)
      : model(std::move(m)), workspace(model->plan(), model->threads()), pool(model->threads()) {}

  const graph::Plan& plan() const { return model->plan(); }
  const BoundPlan& bound() const { return model->state().bound; }

  std::span<const float> logits_row(std::int64_t row) const {
    const graph::Buffer& buffer = plan().buffers[static_cast<std::size_t>(plan().logits)];
    const auto* first =
        reinterpret_cast<const float*>(workspace.arena() + buffer.offset) + row * buffer.width;
    return {first, static_cast<std::size_t>(plan().vocabulary)};
  }

  void fill_positions(std::int64_t rows) {
    for (std::int64_t row = 0; row < rows; ++row)
      workspace.positions[static_cast<std::size_t>(row)] = static_cast<std::int32_t>(position + row);
    for (std::size_t rope = 0; rope < plan().ropes.size(); ++rope) fill_rotation(rope, rows);
  }

  // Cosines and sines of `rows` positions, in float64 until stored: angles of far positions are large. Places
  // that do not rotate have cosine 1 and sine 0.
  void fill_rotation(std::size_t rope, std::int64_t rows) {
    const std::vector<double>& frequencies = model->state().weights.inverse_frequencies[rope];
    const double magnitude = plan().ropes[rope].magnitude;
    const auto half = static_cast<std::size_t>(plan().heads.rotation_row()) / 2;
    for (std::int64_t row = 0; row < rows; ++row) {
      float* cosines = workspace.rotations[rope].data() + static_cast<std::size_t>(row) * 2 * half;
      float* sines = cosines + half;
      for (std::size_t i = 0; i < half; ++i) {
        const bool rotates = i < frequencies.size();
        const double angle = rotates ? static_cast<double>(position + row) * frequencies[i] : 0.0;
        const double length = rotates ? magnitude : 1.0;
        cosines[i] = static_cast<float>(length * std::cos(angle));
        sines[i] = static_cast<float>(length * std::sin(angle));
      }
    }
  }

  std::int64_t load_chunk(std::span<const TokenId> tokens) {
    std::copy(tokens.begin(), tokens.end(), workspace.tokens.begin());
    fill_positions(static_cast<std::int64_t>(tokens.size()));
    return static_cast<std::int64_t>(tokens.size());
  }

  void run_chunk(std::span<const TokenId> tokens) {
    const std::int64_t rows = load_chunk(tokens);
    run_program(plan(), rows == 1 ? bound().decode : bound().prefill, workspace, pool, {0, rows, position});
    position += rows;
  }

  // Logits of the chunk's row `row`, to row 0 of the buffer.
  void run_head(std::int64_t row) { run_program(plan(), bound().head_one, workspace, pool, {row, 1, 0}); }

  void run_heads(std::int64_t rows, const std::function<void(std::span<const float>)>& sink) {
    for (std::int64_t first = 0; first < rows; first += plan().head_rows) {
      const std::int64_t count = std::min(plan().head_rows, rows - first);
      run_program(plan(), bound().head_many, workspace, pool, {first, count, 0});
      last_row = count - 1;
      for (std::int64_t row = 0; row < count; ++row) sink(logits_row(row));
    }
  }

  void trace_chunk(std::span<const TokenId> tokens, const StepSink& sink) {
    const std::int64_t rows = load_chunk(tokens);
    if (rows == 1)
      trace_program(plan(), "decode", plan().decode, bound().decode, workspace, pool, {0, 1, position},
                    position, sink);
    else
      trace_program(plan(), "prefill", plan().prefill, bound().prefill, workspace, pool, {0, rows, position},
                    position, sink);
    position += rows;
  }

  void trace_head(std::int64_t row, const StepSink& sink) {
    trace_program(plan(), "head", plan().head_one, bound().head_one, workspace, pool, {row, 1, 0},
                  position - 1, sink);
  }

  void check(std::span<const TokenId> tokens) const {
    for (std::size_t i = 0; i < tokens.size(); ++i)
      if (tokens[i] < 0 || tokens[i] >= plan().vocabulary)
        fail("token {} of the input is {}: the vocabulary has ids 0 to {}", i, tokens[i],
             plan().vocabulary - 1);
    const auto count = static_cast<std::int64_t>(tokens.size());
    if (position + count > plan().options.context)
      fail("context is full: {} tokens are in it, {} more do not fit into {}: use a larger context", position,
           count, plan().options.context);
  }

  std::shared_ptr<const Model> model;
  Workspace workspace;
  ThreadPool pool;  // its own: sessions of a model never wait for each other
  std::int64_t position = 0;
  std::int64_t last_row = 0;  // of the logits buffer
};

Session::Session(std::shared_ptr<const Model> model) : state_(std::make_unique<State>(std::move(model))) {}
Session::~Session() = default;

void Session::evaluate(std::span<const TokenId> tokens, LogitsWanted wanted,
                       const std::function<void(std::span<const float>)>* sink,
                       const std::atomic<bool>* cancel) {
  State& s = *state_;
  s.check(tokens);
  const auto chunk = static_cast<std::size_t>(s.plan().options.chunk);
  while (!tokens.empty()) {
    if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) return;
    const std::span<const TokenId> part = tokens.subspan(0, std::min(chunk, tokens.size()));
    tokens = tokens.subspan(part.size());
    s.run_chunk(part);
    const auto rows = static_cast<std::int64_t>(part.size());
    if (wanted == LogitsWanted::all && sink != nullptr) {
      s.run_heads(rows, *sink);
    } else if (tokens.empty()) {
      s.run_head(rows - 1);
      s.last_row = 0;
    }
  }
}

void Session::trace(std::span<const TokenId> tokens, const StepSink& sink) {
  State& s = *state_;
  s.check(tokens);
  const auto chunk = static_cast<std::size_t>(s.plan().options.chunk);
  while (!tokens.empty()) {
    const std::span<const TokenId> part = tokens.subspan(0, std::min(chunk, tokens.size()));
    tokens = tokens.subspan(part.size());
    s.trace_chunk(part, sink);
    if (tokens.empty()) s.trace_head(static_cast<std::int64_t>(part.size()) - 1, sink);
  }
  s.last_row = 0;
}

std::span<const float> Session::logits() const { return state_->logits_row(state_->last_row); }
std::int64_t Session::position() const { return state_->position; }
void Session::reset() { state_->position = 0; }

std::vector<Session::StepTime> Session::step_times(bool reset) {
  std::vector<StepTime> times;
  for (std::size_t i = 0; i < kStepKindCount; ++i)
    times.push_back({std::string(kStepKinds[i]), state_->workspace.step_seconds[i]});
  if (reset) std::fill(state_->workspace.step_seconds.begin(), state_->workspace.step_seconds.end(), 0.0);
  return times;
}

void Session::measure_steps(bool on) { state_->workspace.measure = on; }

}  // namespace burin::runtime
