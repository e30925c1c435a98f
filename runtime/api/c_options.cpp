#include "runtime/api/c_options.hpp"

#include "runtime/api/c_support.hpp"

namespace burin::api {
namespace {

// The defaults are those of the C++ API. Null strings and callbacks stand for them where they are not written out.
burin_load_options default_load_options() {
  const LoadOptions options;
  auto c = sized<burin_load_options>();
  c.threads = options.threads;
  c.emit = options.emit ? 1 : 0;
  c.context = options.context;
  c.chunk = options.chunk;
  c.kept_weights = options.kept_weights ? 1 : 0;
  return c;
}

burin_quantization default_quantization() {
  auto c = sized<burin_quantization>();
  c.group_size = WeightOnlyQuantConfig().group_size;
  return c;
}

burin_session_options default_session_options() {
  const SessionOptions options;
  auto c = sized<burin_session_options>();
  c.endless = options.endless ? 1 : 0;
  c.reserve_memory = options.reserve_memory ? 1 : 0;
  c.keep = options.keep;
  c.discard = options.discard;
  return c;
}

burin_generation_options default_generation_options() {
  auto c = sized<burin_generation_options>();
  c.max_new_tokens = GenerationOptions().max_new_tokens;
  return c;
}

burin_beam_search_options default_beam_search_options() {
  const BeamSearchOptions options;
  auto c = sized<burin_beam_search_options>();
  c.beams = options.beams;
  c.early_stopping = options.early_stopping ? 1 : 0;
  c.length_penalty = options.length_penalty;
  c.min_new_tokens = options.min_new_tokens;
  return c;
}

BeamSearchOptions options_of(const burin_beam_search_options& given) {
  const burin_beam_search_options c = known_part(given, default_beam_search_options(), "beam_search");
  return {c.beams, c.length_penalty, c.early_stopping != 0, c.min_new_tokens};
}

void set(std::string& field, const char* text) {
  if (text != nullptr) field = text;
}

// An executor of C; the bodies' context and theirs have the same type.
class CExecutor : public Executor {
 public:
  explicit CExecutor(const burin_executor& c) : c_(c) {}
  ~CExecutor() override {
    if (c_.release != nullptr) c_.release(c_.self);
  }
  CExecutor(const CExecutor&) = delete;

  int concurrency() const noexcept override { return c_.concurrency; }
  void run(int count, void (*body)(void* context, int index), void* context) override {
    c_.run(c_.self, count, body, context);
  }

 private:
  const burin_executor c_;
};

std::shared_ptr<Executor> executor_of(const burin_executor& given) {
  const burin_executor c = known_part(given, {}, "executor");
  if (c.run == nullptr || c.concurrency < 1)
    refuse(ErrorCode::invalid_argument, "executor: run is {}, concurrency {}: give a function, and 1 or more",
           c.run == nullptr ? "null" : "set", c.concurrency);
  return std::make_shared<CExecutor>(c);
}

WeightOnlyQuantConfig config_of(const burin_quantization& given) {
  const burin_quantization c = known_part(given, default_quantization(), "quantization");
  WeightOnlyQuantConfig config;
  set(config.compute_dtype, c.compute_dtype);
  set(config.weight_dtype, c.weight_dtype);
  set(config.scheme, c.scheme);
  set(config.scale_dtype, c.scale_dtype);
  config.group_size = c.group_size;
  return config;
}

void set_callbacks(LoadOptions& options, const burin_load_options& c) {
  void* const user = c.user;
  if (const auto call = c.on_progress)
    options.on_progress = [call, user](double share) { call(user, share); };
  if (const auto call = c.should_cancel) options.should_cancel = [call, user] { return call(user) != 0; };
  if (const auto call = c.on_log)
    options.on_log = [call, user](LogLevel level, std::string_view line) {
      call(user, static_cast<burin_log_level>(level), std::string(line).c_str(), line.size());
    };
}

}  // namespace

LoadOptions options_of(const burin_load_options* given) {
  LoadOptions options;
  if (given == nullptr) return options;
  const burin_load_options c = known_part(*given, default_load_options(), "options");
  if (c.executor != nullptr) options.executor = executor_of(*c.executor);
  options.threads = c.threads;
  options.emit = c.emit != 0;
  options.kept_weights = c.kept_weights != 0;
  options.context = c.context;
  options.chunk = c.chunk;
  set(options.target, c.target);
  set(options.compute, c.compute);
  set(options.kv, c.kv);
  if (c.cache_folder != nullptr) options.cache_folder = c.cache_folder;
  options.kernel_bundles = texts(c.kernel_bundles, c.kernel_bundle_count, "kernel_bundles");
  if (c.quantization != nullptr) options.quantization = config_of(*c.quantization);
  set_callbacks(options, c);
  return options;
}

SessionOptions options_of(const burin_session_options* given) {
  if (given == nullptr) return {};
  const burin_session_options c = known_part(*given, default_session_options(), "options");
  return {options_of(c.sampling), c.endless != 0, c.keep, c.discard, c.reserve_memory != 0};
}

GenerationOptions options_of(const burin_generation_options* given) {
  GenerationOptions options;
  if (given == nullptr) return options;
  const burin_generation_options c = known_part(*given, default_generation_options(), "options");
  options.max_new_tokens = c.max_new_tokens;
  if (c.sampling != nullptr) options.sampling = options_of(c.sampling);
  options.stops = texts(c.stops, c.stop_count, "stops");
  if (c.beam_search != nullptr) options.beam_search = options_of(*c.beam_search);
  return options;
}

OnToken on_token_of(const burin_generation_options* given) {
  if (given == nullptr) return {};
  const burin_generation_options c = known_part(*given, default_generation_options(), "options");
  if (c.on_token == nullptr) return {};
  return [call = c.on_token, user = c.user](TokenId token, std::string_view text) {
    return call(user, token, text.data(), text.size()) != 0;
  };
}

std::function<void(const BeamText&)> on_beam_of(const burin_generation_options* given) {
  if (given == nullptr) return {};
  const burin_generation_options c = known_part(*given, default_generation_options(), "options");
  if (c.on_beam == nullptr) return {};
  return [call = c.on_beam, user = c.user](const BeamText& beam) {
    call(user, beam.score, beam.tokens.data(), beam.tokens.size(), beam.text.data(), beam.text.size());
  };
}

}  // namespace burin::api

using namespace burin::api;

burin_status burin_load_options_init(burin_load_options* options, size_t size) {
  return initialise(options, size, default_load_options());
}
burin_status burin_quantization_init(burin_quantization* options, size_t size) {
  return initialise(options, size, default_quantization());
}
burin_status burin_session_options_init(burin_session_options* options, size_t size) {
  return initialise(options, size, default_session_options());
}
burin_status burin_beam_search_options_init(burin_beam_search_options* options, size_t size) {
  return initialise(options, size, default_beam_search_options());
}
burin_status burin_generation_options_init(burin_generation_options* options, size_t size) {
  return initialise(options, size, default_generation_options());
}
