#include "tools/commands/bench/step_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

namespace burin::tools {
namespace {

struct Work {
  double limit_seconds = 0;
  double macs = 0;
  double bytes = 0;
  double arithmetic_seconds = 0;  // of steps that it bounds
};

// Per name of a group.
std::map<std::string, Work> work_of(const graph::Plan& plan, const std::vector<RunPart>& parts,
                                    const graph::MachineLimits& limits) {
  std::map<std::string, Work> all;
  for (const RunPart& part : parts)
    for (const graph::Step& step : *part.program) {
      const graph::StepEstimate estimate = graph::estimate(plan, step, part.load, limits);
      Work& work = all[graph::group_of(plan, step).name];
      work.limit_seconds += part.times * estimate.seconds;
      work.macs += part.times * estimate.macs;
      work.bytes += part.times * static_cast<double>(estimate.bytes());
      if (estimate.bound == graph::Bound::arithmetic)
        work.arithmetic_seconds += part.times * estimate.seconds;
    }
  return all;
}

double total_of(const std::vector<runtime::Session::StepTime>& times) {
  double total = 0;
  for (const runtime::Session::StepTime& time : times) total += time.seconds;
  return total;
}

}  // namespace

nlohmann::json step_table(const graph::Plan& plan, const std::vector<RunPart>& parts,
                          const std::vector<runtime::Session::StepTime>& times,
                          const graph::MachineLimits& limits) {
  std::vector<runtime::Session::StepTime> ordered = times;
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const auto& a, const auto& b) { return a.seconds > b.seconds; });
  const double total = total_of(times);
  std::map<std::string, Work> work_of_groups = work_of(plan, parts, limits);
  nlohmann::json table = nlohmann::json::array();
  for (const runtime::Session::StepTime& time : ordered) {
    if (time.seconds <= 0) continue;
    const Work& work = work_of_groups[time.group.name];
    const bool arithmetic = work.arithmetic_seconds > work.limit_seconds / 2;
    table.push_back({{"step", time.group.name},
                     {"kind", time.group.kind},
                     {"seconds", time.seconds},
                     {"share_of_time", time.seconds / total},
                     {"limit_seconds", work.limit_seconds},
                     {"share_of_limit", work.limit_seconds / time.seconds},
                     {"bound", graph::name_of(arithmetic ? graph::Bound::arithmetic : graph::Bound::memory)},
                     {"macs", work.macs},
                     {"bytes", work.bytes}});
  }
  return table;
}

nlohmann::json seconds_by_kind(const std::vector<runtime::Session::StepTime>& times) {
  nlohmann::json kinds = nlohmann::json::object();
  for (const runtime::Session::StepTime& time : times)
    if (time.seconds > 0) kinds[time.group.kind] = kinds.value(time.group.kind, 0.0) + time.seconds;
  return kinds;
}

void print_step_table(std::string_view heading, const nlohmann::json& table) {
  if (table.empty()) return;
  fmt::print("{:<44} {:>7}  {:>8}  {}\n", heading, "time", "of limit", "bound by");
  for (const nlohmann::json& row : table)
    fmt::print("  {:<42} {:5.1f} %  {:6.0f} %  {}\n", row["step"].get<std::string>(),
               100 * row["share_of_time"].get<double>(), 100 * row["share_of_limit"].get<double>(),
               row["bound"].get<std::string>());
}

}  // namespace burin::tools
