// Where threads must meet.
#pragma once

#include "graph/plan.hpp"

namespace burin::graph {

// Sets Step::barrier in all programs: as few barriers as keep every thread from reading what another has not
// written yet, and from writing what another still reads. None stands at a program's end, which all threads
// wait for anyway.
void place_barriers(Plan& plan);

}  // namespace burin::graph
