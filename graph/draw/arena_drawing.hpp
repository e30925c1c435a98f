// The arena over time: which bytes hold what while a chunk is evaluated.
#pragma once

#include <string>

#include "graph/draw/palette.hpp"
#include "graph/roofline.hpp"

namespace burin::graph::draw {

// x: steps of the prefill and of the head; y: bytes. One rectangle from a buffer's write to its last read. Of layers
// that are alike the first and second are drawn, and the last. SVG.
std::string draw_arena(const Plan& plan, const KindTones& tones);

}  // namespace burin::graph::draw
