#include <string>

#include "graph/plan.hpp"
#include "runtime/api/load_options.hpp"
#include "runtime/api/states.hpp"
#include "runtime/environment.hpp"

namespace burin {
namespace api {
namespace {

// An executor whose exceptions are known for the host's.
class HostExecutor : public Executor {
 public:
  explicit HostExecutor(std::shared_ptr<Executor> host) : host_(std::move(host)) {}
  int concurrency() const noexcept override { return host_->concurrency(); }
  void run(int count, void (*body)(void* context, int index), void* context) override {
    call_host("executor", [&] { host_->run(count, body, context); });
  }

 private:
  std::shared_ptr<Executor> host_;
};

class Log {
 public:
  explicit Log(const LoadOptions& options) : on_log_(options.on_log) {}

  void write(LogLevel level, std::string_view line) const {
    if (on_log_) call_host("on_log", [&] { on_log_(level, line); });
  }
  void write(LogLevel level, const std::vector<std::string>& lines) const {
    for (const std::string& line : lines) write(level, line);
  }

 private:
  const std::function<void(LogLevel, std::string_view)>& on_log_;
};

void log_loaded(const Log& log, const LoadOptions& options, const runtime::Model& model) {
  log.write(LogLevel::warn, model.plan().notes);
  log.write(LogLevel::warn, model.statistics().notes);
  if (options.emit && !options.cache_folder && runtime::default_cache_folder().empty())
    log.write(LogLevel::warn,
              "kernel cache: none of BURIN_CACHE_DIR, XDG_CACHE_HOME and HOME is set: kernels are emitted at "
              "every start: give a cache_folder, or an empty one");
  const runtime::LoadStatistics& load = model.statistics();
  log.write(
      LogLevel::info,
      fmt::format("for {}: {} kernels emitted in {:.1f} ms, {} from bundles and {} from disk; {:.1f} MiB "
                  "of weights {}; loaded in {:.2f} s",
                  model.target_name(), load.kernels_emitted, load.emit_milliseconds, load.kernels_from_bundle,
                  load.kernels_from_disk, static_cast<double>(load.weight_bytes) / 1048576.0,
                  load.weights_from_disk ? "kept from before" : "packed", load.seconds));
  log.write(LogLevel::debug, model.plan().remarks);
}

std::shared_ptr<const ModelState> load(const std::string& path, const LoadOptions& options) {
  const runtime::LoadOptions loading = load_options(path, options);
  const auto state = std::make_shared<ModelState>();
  if (options.executor) state->executor = std::make_shared<HostExecutor>(options.executor);
  loading.progress(0);
  const runtime::PoolsRunOn scope(state->executor);
  state->model = runtime::Model::load(path, loading);
  log_loaded(Log(options), options, *state->model);
  return state;
}

std::vector<TokenId> generate_once(const Model& model, std::span<const TokenId> inputs,
                                   const GenerationOptions& options, Streamer* streamer) {
  Session session = value_or_throw(Session::create(model));
  const Generation generated = value_or_throw(
      streamer == nullptr ? session.generate(inputs, options) : session.generate(inputs, options, *streamer));
  std::vector<TokenId> tokens(inputs.begin(), inputs.end());
  tokens.insert(tokens.end(), generated.tokens.begin(), generated.tokens.end());
  return tokens;
}

}  // namespace
}  // namespace api

Model::Model(std::shared_ptr<const api::ModelState> state) noexcept : state_(std::move(state)) {}
Model::Model(const Model&) noexcept = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(const Model&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;
Model::~Model() = default;

Result<Model> Model::load(std::string_view path, const LoadOptions& options) noexcept {
  return api::guarded<Model>(ErrorCode::load_failed,
                             [&] { return Model(api::load(std::string(path), options)); });
}

Result<Model> Model::from_pretrained(std::string_view path, const PretrainedOptions& options) noexcept {
  return api::guarded<Model>(ErrorCode::load_failed, [&] {
    return Model(api::load(std::string(path), api::pretrained_options(options)));
  });
}

Result<std::vector<TokenId>> Model::generate(std::span<const TokenId> inputs,
                                             const GenerationOptions& options,
                                             Streamer* streamer) const noexcept {
  return api::guarded<std::vector<TokenId>>(
      ErrorCode::failed, [&] { return api::generate_once(*this, inputs, options, streamer); });
}

Result<bool> Model::keep_weights() const noexcept {
  return api::guarded<bool>(ErrorCode::failed, [&] {
    const runtime::Model& model = *api::deref(state_, "model").model;
    return model.statistics().weights_from_disk || model.keep_weights([](double) { return true; });
  });
}

Result<Tokenizer> Model::tokenizer() const noexcept {
  return api::guarded<Tokenizer>(ErrorCode::failed, [&] {
    const std::shared_ptr<const runtime::Model>& model = api::deref(state_, "model").model;
    return Tokenizer(std::shared_ptr<const runtime::Tokenizer>(model, &model->tokenizer()));
  });
}

std::int64_t Model::vocabulary_size() const noexcept { return state_ ? state_->model->vocabulary_size() : 0; }
std::int64_t Model::context_length() const noexcept { return state_ ? state_->model->context_length() : 0; }
int Model::threads() const noexcept { return state_ ? state_->model->threads() : 0; }

std::string_view Model::target() const noexcept {
  return state_ ? std::string_view(state_->model->target_name()) : std::string_view();
}

LoadStatistics Model::statistics() const noexcept {
  if (!state_) return {};
  const runtime::LoadStatistics& load = state_->model->statistics();
  return {load.seconds,
          static_cast<std::int64_t>(load.weight_bytes),
          load.kernels_emitted,
          load.kernels_from_disk,
          load.kernels_from_bundle,
          load.emit_milliseconds,
          load.weights_from_disk};
}

}  // namespace burin
