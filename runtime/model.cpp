#include "runtime/model.hpp"

#include <chrono>
#include <future>
#include <system_error>

#include "graph/plan.hpp"
#include "jit/error.hpp"
#include "runtime/block_signals.hpp"
#include "runtime/environment.hpp"
#include "runtime/kernel_bundle.hpp"
#include "runtime/model_state.hpp"
#include "runtime/packed_weights/weight_key.hpp"
#include "runtime/plan_kernels.hpp"
#include "runtime/synthetic/description.hpp"
#include "runtime/synthetic/synthetic_weights.hpp"

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
  jit::KernelSources sources = {bundles, std::nullopt, options.emit, code_tools()};
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

// Those that were kept of this model; else null, and the state knows under which key to keep them.
std::unique_ptr<WeightFile> kept_weights(Model::State& state, const LoadOptions& options, ThreadPool& pool) {
  const bool wanted = options.kept_weights && !options.cache_folder.empty() &&
                      state.plan.weight_bytes >= options.least_kept_bytes;
  if (!wanted) return nullptr;
  state.weight_cache.folder = options.cache_folder;
  std::string key = weight_key(state.plan, *state.file);
  std::string note;
  auto kept = load_kept_weights(state.weight_cache, key, state.plan.weight_bytes, pool, note);
  if (!note.empty()) state.statistics.notes.push_back(std::move(note));
  if (kept == nullptr) state.weight_key = std::move(key);
  return kept;
}

Weights load_weights(Model::State& state, const LoadOptions& options, ThreadPool& pool) {
  auto kept = kept_weights(state, options, pool);
  state.statistics.weights_from_disk = kept != nullptr;
  return kept ? mapped_weights(state.plan, *state.file, std::move(kept))
              : pack_weights(state.plan, *state.file, pool, options.progress);
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
  state.weights = state.file ? load_weights(state, options, pool) : synthetic_weights(state.plan, pool);
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
  for (std::string& note : state.kernels->notes()) statistics.notes.push_back(std::move(note));
  for (std::string& note : bundle_notes(bundles, state.plan, counts))
    statistics.notes.push_back(std::move(note));
}

}  // namespace

Model::Model(std::unique_ptr<State> state) : state_(std::move(state)) {}
Model::~Model() = default;

OpenedModel open_model(const std::string& path) {
  OpenedModel opened;
  opened.file = ModelFile::open(path);
  opened.tokenizer = Tokenizer::load(*opened.file);
  return opened;
}

std::shared_ptr<const Model> Model::load(const std::string& path, const LoadOptions& options) {
  return load(open_model(path), options);
}

std::shared_ptr<const Model> Model::load(OpenedModel opened, const LoadOptions& options) {
  auto state = std::make_unique<State>();
  state->file = std::move(opened.file);
  state->tokenizer = std::move(opened.tokenizer);
  prepare_model(*state, state->file->description(), options);
  return std::shared_ptr<const Model>(new Model(std::move(state)));
}

std::shared_ptr<const Model> Model::synthetic(const std::string& shape, const LoadOptions& options) {
  auto state = std::make_unique<State>();
  prepare_model(*state, synthetic_description(shape), options);
  return std::shared_ptr<const Model>(new Model(std::move(state)));
}

std::uint64_t Model::weights_to_keep() const {
  return state_->weight_key.empty() ? 0 : state_->plan.weight_bytes;
}

std::string Model::kept_weights_path() const {
  return weight_file_path(state_->weight_cache.folder, state_->weight_key).string();
}

bool Model::keep_weights(const std::function<bool(double)>& progress) const {
  const auto bytes = static_cast<std::size_t>(weights_to_keep());
  if (bytes == 0) return false;
  return runtime::keep_weights(state_->weight_cache, {state_->weight_key, state_->plan.model},
                               {state_->weights.memory.data(), bytes}, progress);
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

}  // namespace burin::runtime
