// The tables of the page. HTML.
#pragma once

#include <string>

#include "graph/roofline.hpp"

namespace burin::graph::draw {

std::string fusion_table(const Trace& trace);
std::string step_tables(const Plan& plan, const PlanEstimate& estimate);

}  // namespace burin::graph::draw
