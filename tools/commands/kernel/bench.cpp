#include "tools/commands/kernel/bench.hpp"

#include "tools/commands/kernel/timer.hpp"
#include "tools/common_options.hpp"

namespace burin::tools {

void bench_kernel(const kernels::KernelSpec& spec, const jit::Target& target, std::int64_t rows, bool json) {
  const std::string name = kernels::kernel_name(spec);
  const KernelTime time = KernelTimer(target, kThorough).time(spec, rows);
  if (json) {
    nlohmann::json object = to_json(time);
    object["name"] = name;
    object["target"] = target.name;
    print_json(object);
    return;
  }
  fmt::print("{}\ntarget {}, 1 thread, {}: {:.2f} us, {:.1f} GB/s, {:.1f} GMAC/s\n", name, target.name,
             time.rows == 1 ? "1 row" : fmt::format("{} rows", time.rows), time.seconds * 1e6, time.gb_s(),
             time.gmac_s());
  fmt::print("{:.0f} % of what {} allows (reads {:.1f} GB/s, int8 dot products {:.0f} GMAC/s)\n",
             100 * time.share(), time.by_memory() ? "memory" : "arithmetic", time.read_gb_s,
             time.dot_peak_gmac_s);
}

}  // namespace burin::tools
