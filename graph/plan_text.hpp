// Plans for people (text) and programs (JSON), with times from a roofline model of the given limits. The overloads
// of plan.hpp take the nominal limits of the plan's target.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "graph/machine_limits.hpp"
#include "graph/plan.hpp"

namespace burin::graph {

std::string to_text(const Plan& plan, const MachineLimits& limits);
nlohmann::json to_json(const Plan& plan, const MachineLimits& limits);

}  // namespace burin::graph
