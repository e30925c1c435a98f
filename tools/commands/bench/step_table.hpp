// Where the time of a run goes: seconds per kind and shape of step, next to what the machine's limits allow.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "graph/roofline.hpp"
#include "runtime/session.hpp"

namespace burin::tools {

// What was run: programs of a plan, each so many times with a load, or with loads of which this is the mean.
struct RunPart {
  const graph::Program* program = nullptr;
  graph::Load load;
  double times = 1;
};

// An object per group that took time, the longest first: `step`, `kind`, `seconds`, `share_of_time`, `limit_seconds` (as
// graph/roofline.hpp has it), `share_of_limit`, `bound`, `macs`, `bytes`.
nlohmann::json step_table(const graph::Plan& plan, const std::vector<RunPart>& parts,
                          const std::vector<runtime::Session::StepTime>& times,
                          const graph::MachineLimits& limits);
// Seconds by kind.
nlohmann::json seconds_by_kind(const std::vector<runtime::Session::StepTime>& times);
// For people, under a heading.
void print_step_table(std::string_view heading, const nlohmann::json& table);

}  // namespace burin::tools
