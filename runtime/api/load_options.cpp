#include "runtime/api/load_options.hpp"

#include "jit/target.hpp"
#include "runtime/api/failures.hpp"
#include "runtime/environment.hpp"
#include "templates/emitters.hpp"

namespace burin {

bool has_emitter() noexcept { return kernels::has_emitters(); }

namespace api {
namespace {

constexpr int kMostThreads = 1024;
constexpr std::int64_t kMostContext = std::int64_t{1} << 24;
constexpr std::int64_t kMostChunk = 1 << 16;

void check_range(const char* field, std::int64_t value, std::int64_t least, std::int64_t most) {
  if (value < least || value > most)
    refuse(ErrorCode::invalid_argument, "{}: {} is out of range: give {} to {}", field, value, least, most);
}

// Packing reports each matrix; the host is asked before the first one too.
std::function<bool(double)> progress(const std::string& path, const LoadOptions& options) {
  return [path, on_progress = options.on_progress, should_cancel = options.should_cancel](double share) {
    if (on_progress) call_host("on_progress", [&] { on_progress(share); });
    if (should_cancel && call_host("should_cancel", should_cancel))
      refuse(ErrorCode::cancelled, "{}: loading was cancelled", path);
    return true;
  };
}

void check_kernel_sources(const runtime::LoadOptions& load) {
  if (load.emit && !has_emitter())
    refuse(ErrorCode::invalid_argument,
           "emit: true, but this Burin was built without the emitter: leave it as it is, and give "
           "kernel_bundles or a cache_folder");
  if (!load.emit && load.bundles.empty() && load.cache_folder.empty())
    refuse(ErrorCode::invalid_argument,
           "emit: false{}, but there are neither kernel_bundles nor a cache_folder: give one of them",
           has_emitter() ? "" : " (this Burin was built without the emitter)");
}

}  // namespace

runtime::LoadOptions load_options(const std::string& path, const LoadOptions& options) {
  check_range("threads", options.threads, 0, kMostThreads);
  check_range("context", options.context, 0, kMostContext);
  check_range("chunk", options.chunk, 1, kMostChunk);
  runtime::LoadOptions load;
  load.threads = options.threads;
  load.target = options.target;
  load.plan.compute = compute_type(options);
  load.plan.context = options.context;
  load.plan.chunk = options.chunk;
  with_code(ErrorCode::invalid_argument, [&] {
    jit::require_host_can_run(jit::parse_target(options.target));
    load.plan.kv = graph::parse_kv_type(options.kv);
  });
  if (options.quantization) load.plan.weights = weight_format(*options.quantization);
  load.cache_folder = options.cache_folder ? *options.cache_folder : runtime::default_cache_folder();
  load.kept_weights = options.kept_weights;
  load.least_kept_bytes = 0;  // the host knows what is worth a file
  load.bundles = options.kernel_bundles;
  load.emit = options.emit;
  load.progress = progress(path, options);
  check_kernel_sources(load);
  return load;
}

}  // namespace api
}  // namespace burin
