#include "tools/commands/bench/step_table.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace burin::tools {
namespace {

struct Work {
  double limit_seconds = 0;
  double macs = 0;
  double bytes = 0;
  double arithmetic_seconds = 0;  // of steps that it bounds
};

Work work_of(const graph::Plan& plan, const std::vector<RunPart>& parts, const graph::StepGroup& group,
             const graph::MachineLimits& limits) {
  Work work;
  for (const RunPart& part : parts)
    for (const graph::Step& step : *part.program) {
      if (graph::group_of(plan, step) != group) continue;
      const graph::StepEstimate estimate = graph::estimate(plan, step, part.load, limits);
      work.limit_seconds += estimate.seconds;
      work.macs += estimate.macs;
      work.bytes += static_cast<double>(estimate.bytes());
      if (estimate.bound == graph::Bound::arithmetic) work.arithmetic_seconds += estimate.seconds;
    }
  return work;
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
  nlohmann::json table = nlohmann::json::array();
  for (const runtime::Session::StepTime& time : ordered) {
    if (time.seconds <= 0) continue;
    const Work work = work_of(plan, parts, time.group, limits);
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
