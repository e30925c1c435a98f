#include "tools/commands/kernel/bench_list.hpp"

#include <fmt/chrono.h>

#include <chrono>
#include <fstream>

#include "jit/build_id.hpp"
#include "runtime/thread_pool.hpp"
#include "templates/manifest/manifest.hpp"
#include "tools/commands/bench/median.hpp"
#include "tools/commands/kernel/list.hpp"
#include "tools/commands/kernel/share_table.hpp"
#include "tools/common_options.hpp"
#include "tools/progress_bar.hpp"

namespace burin::tools {
namespace {

// Of matrices two groups of blocks on AMX (amx_loops.hpp): more columns would take longer and say the same.
constexpr kernels::KernelShape kShape = {4096, 512, 32, 8, 128};

void print_line(const kernels::ManifestRow& row, const KernelTime& time) {
  fmt::print("{:3.0f} % of {:<10} {:8.1f} GB/s {:8.1f} GMAC/s {:10.1f} us  {}\n", 100 * time.share(),
             time.by_memory() ? "memory" : "arithmetic", time.gb_s(), time.gmac_s(), time.seconds * 1e6,
             row.name);
}

void print_object(const kernels::ManifestRow& row, const std::string& kernel, const jit::Target& target,
                  const KernelTime& time) {
  nlohmann::json object = to_json(time);
  object["row"] = row.name;
  object["name"] = kernel;
  object["target"] = target.name;
  print_json(object);
}

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown CPU";
}

template <typename Member>
double median_of(const std::vector<TimedRow>& rows, Member member) {
  std::vector<double> values;
  for (const TimedRow& row : rows) values.push_back(row.time.*member);
  return median(values);
}

void print_tables(const std::vector<TimedRow>& rows, const std::vector<std::string>& words,
                  const jit::Target& target) {
  fmt::print("# Kernels for {} on {}\n\n", target.name, jit::host_target().name);
  fmt::print("{}, {} CPUs; {:%Y-%m-%d}; build {}; `burin kernel ls{}{} --bench --target {} --markdown`.\n\n",
             cpu_name(), runtime::allowed_cpus().size(), fmt::gmtime(std::chrono::system_clock::now()),
             jit::to_hex(jit::this_emitter().build).substr(0, 12), words.empty() ? "" : " ",
             fmt::join(words, " "), target.name);
  fmt::print(
      "One thread; K 4096, N 512, heads of 128 (32 of queries, 8 of keys), 2048 positions, 256 rows where "
      "there are many. Each row is timed in {} batches between probes of the limits, in medians reads of "
      "{:.1f} GB/s and int8 products of {:.0f} GMAC/s. Shares are of the limit that takes longer, above 100 "
      "where rows stay in caches or a kernel reads faster than the probe; the batches of a row are {:.0f} % "
      "of its time apart in the median.\n\n",
      kQuick.batches, median_of(rows, &KernelTime::read_gb_s), median_of(rows, &KernelTime::dot_peak_gmac_s),
      100 * median_of(rows, &KernelTime::scatter));
  fmt::print("{}", share_tables(rows));
}

}  // namespace

void bench_rows(const std::vector<std::string>& words, const jit::Target& target, BenchFormat format) {
  std::vector<kernels::ManifestRow> rows = wanted_rows(words);
  KernelTimer timer(target, kQuick);
  std::erase_if(rows, [&](const auto& row) { return !refusal_of(row, target).empty(); });
  std::vector<TimedRow> timed;
  ProgressBar progress("timing");
  for (const kernels::ManifestRow& row : rows) {
    const kernels::KernelSpec spec = with_shape(kernels::parse_kernel_name(row.kernel), kShape);
    timed.push_back({row.name, timer.time(spec, 0)});
    if (format == BenchFormat::markdown)
      progress(static_cast<double>(timed.size()) / static_cast<double>(rows.size()));
    if (format == BenchFormat::text) print_line(row, timed.back().time);
    if (format == BenchFormat::json) print_object(row, kernel_name(spec), target, timed.back().time);
  }
  if (format == BenchFormat::markdown) print_tables(timed, words, target);
}

}  // namespace burin::tools
