// burin info: this machine as kernels see it, and what it can do at most.
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "jit/target.hpp"
#include "runtime/limits.hpp"
#include "runtime/thread_pool.hpp"
#include "templates/emitters.hpp"
#include "tools/command.hpp"
#include "tools/common_options.hpp"

namespace burin::tools {
namespace {

std::int64_t system_value(int name) { return std::max<std::int64_t>(sysconf(name), 0); }

struct Limits {
  double read_gb_per_second = 0;
  double dot_peak_gmac_per_second = 0;
};

// With all threads; the best of five: the first one finds clocks low and pages cold.
Limits measure_limits(const jit::Target& target) {
  runtime::ThreadPool pool(0);
  runtime::LimitProbe probe(target, pool, std::size_t{256} << 20);
  Limits limits;
  for (int i = 0; i < 5; ++i) {
    limits.read_gb_per_second = std::max(limits.read_gb_per_second, probe.read_gb_per_second());
    limits.dot_peak_gmac_per_second =
        std::max(limits.dot_peak_gmac_per_second, probe.dot_peak_gmac_per_second());
  }
  return limits;
}

std::vector<std::string> feature_list(jit::FeatureSet features) {
  std::vector<std::string> names;
  std::istringstream text(jit::to_text(features));
  for (std::string name; std::getline(text, name, ',');) names.push_back(name);
  return names;
}

void run(const CommonOptions& options) {
  const jit::Target target = jit::host_target();
  const std::size_t cpus = runtime::allowed_cpus().size();
  const std::int64_t l1d = system_value(_SC_LEVEL1_DCACHE_SIZE);
  const std::int64_t l2 = system_value(_SC_LEVEL2_CACHE_SIZE);
  const std::int64_t l3 = system_value(_SC_LEVEL3_CACHE_SIZE);
  const std::int64_t memory = system_value(_SC_PHYS_PAGES) * system_value(_SC_PAGESIZE);
  // Measured by emitted probes.
  const bool can_measure = kernels::has_emitters();
  const Limits limits = can_measure ? measure_limits(target) : Limits();
  if (options.json) {
    nlohmann::json targets = nlohmann::json::array();
    for (const jit::NamedTarget& known : jit::known_targets()) targets.push_back(known.name);
    nlohmann::json object = {{"target", target.name},
                             {"features", feature_list(target.features)},
                             {"cores", cpus},
                             {"default_threads", runtime::default_thread_count()},
                             {"l1d", l1d},
                             {"l2", l2},
                             {"l3", l3},
                             {"memory_bytes", memory},
                             {"known_targets", targets}};
    if (can_measure) {
      object["read_gb_s"] = limits.read_gb_per_second;
      object["dot_peak_gmac_s"] = limits.dot_peak_gmac_per_second;
    }
    print_json(object);
    return;
  }
  fmt::print("target    {} ({})\nCPUs      {} allowed, {} threads by default\n", target.name,
             jit::to_text(target.features), cpus, runtime::default_thread_count());
  fmt::print("caches    L1d {} KiB, L2 {} KiB, L3 {} KiB\nmemory    {} MiB\n", l1d / 1024, l2 / 1024,
             l3 / 1024, memory / 1048576);
  if (!can_measure) {
    fmt::print("limits    not measured: this Burin was built without the emitter of the probes\n");
    return;
  }
  fmt::print("limits    reads {:.1f} GB/s, int8 dot products {:.0f} GMAC/s\n", limits.read_gb_per_second,
             limits.dot_peak_gmac_per_second);
}

}  // namespace

void add_info_command(CLI::App& app) {
  const auto options = std::make_shared<CommonOptions>();
  CLI::App* command = app.add_subcommand("info", "This machine: target, caches, CPUs");
  command->footer("Example: burin info --json");
  add_json_option(*command, *options);
  command->callback([=] { run(*options); });
}

}  // namespace burin::tools
