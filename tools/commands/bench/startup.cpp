// burin bench --startup: emitting a model's kernels against loading them from disk.
#include "tools/commands/bench/startup.hpp"

#include <unistd.h>

#include <chrono>

#include "runtime/plan_kernels.hpp"
#include "tools/command.hpp"
#include "tools/commands/bench/median.hpp"

namespace burin::tools {
namespace {

namespace fs = std::filesystem;

// A fresh folder inside the cache folder, so that the same disk is measured; gone with the object.
class ScratchCache {
 public:
  explicit ScratchCache(const std::string& cache) {
    std::error_code refused;
    fs::create_directories(cache, refused);
    std::string pattern = (fs::path(cache) / "startup-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr)
      fail("--startup: no folder can be made in the kernel cache {}: give another with --cache DIR", cache);
    path_ = pattern;
  }
  ~ScratchCache() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ScratchCache(const ScratchCache&) = delete;

  jit::KernelSources sources() const { return {{}, jit::DiskCacheOptions{path_}, true}; }

 private:
  fs::path path_;
};

struct Sample {
  double milliseconds = 0;
  jit::KernelCounts counts;
};

template <typename Work>
double milliseconds_of(Work work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

// As when a model is loaded: a new store, all kernels of the plan.
template <typename MakeStore>
Sample start(const graph::Plan& plan, MakeStore make_store) {
  Sample sample;
  std::unique_ptr<jit::KernelStore> store;
  sample.milliseconds = milliseconds_of([&] {
    store = make_store();
    runtime::resolve_kernels(plan, *store);
  });
  sample.counts = store->counts();
  return sample;
}

// Cold, written, warm, again and again: each repeat meets the same machine.
nlohmann::json measure(const graph::Plan& plan, const std::string& cache, int repeats) {
  std::vector<double> cold, written, warm;
  jit::KernelCounts counts;
  for (int i = 0; i < repeats; ++i) {
    const ScratchCache scratch(cache);
    cold.push_back(start(plan, [] { return std::make_unique<jit::KernelStore>(); }).milliseconds);
    const auto with_disk = [&] { return std::make_unique<jit::KernelStore>(scratch.sources()); };
    {
      jit::KernelStore writer(scratch.sources());
      runtime::resolve_kernels(plan, writer);
      written.push_back(milliseconds_of([&] { writer.write_back(); }));
      if (!writer.notes().empty()) fail("--startup: {}", writer.notes().front());
    }
    const Sample loaded = start(plan, with_disk);
    warm.push_back(loaded.milliseconds);
    counts = loaded.counts;
    if (counts.emitted > 0) fail("--startup: {} kernels did not come from the cache", counts.emitted);
  }
  return {{"kernels", counts.from_disk}, {"code_bytes", counts.code_bytes}, {"cold_ms", median(cold)},
          {"write_ms", median(written)}, {"warm_ms", median(warm)},         {"repeats", repeats}};
}

}  // namespace

void bench_startup(const CommonOptions& options, const graph::Plan& plan, int repeats) {
  const std::string cache = cache_folder(options);
  if (cache.empty())
    wrong_usage("--startup: compares emission with a cache folder, and there is none: give --cache DIR");
  nlohmann::json result = measure(plan, cache, repeats);
  result["model"] = plan.model;
  result["target"] = plan.target.name;
  if (options.json) return print_json(result);
  fmt::print("{} for {}: {} kernels, {} bytes of code and constants, {} repeats (medians)\n", plan.model,
             plan.target.name, result["kernels"].get<int>(), result["code_bytes"].get<std::size_t>(),
             repeats);
  fmt::print("emitted         {:7.2f} ms\n", result["cold_ms"].get<double>());
  fmt::print("from disk       {:7.2f} ms\n", result["warm_ms"].get<double>());
  fmt::print("written, synced {:7.2f} ms (beside the packing of weights)\n",
             result["write_ms"].get<double>());
}

}  // namespace burin::tools
