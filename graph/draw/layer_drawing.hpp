// One layer as boxes (steps) and streams (bytes): memory on the left, time on the right.
#pragma once

#include <string>

#include "graph/draw/palette.hpp"
#include "graph/layer_groups.hpp"
#include "graph/roofline.hpp"

namespace burin::graph::draw {

// The steps of a group within a program, estimated for `load`; shares are of `whole` seconds. SVG.
std::string draw_layer(const Plan& plan, const Program& program, const ProgramEstimate& estimate,
                       const LayerGroup& group, const Load& load, double whole, const KindTones& tones);

// What widths of streams mean. SVG.
std::string draw_stream_legend();

}  // namespace burin::graph::draw
