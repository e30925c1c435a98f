// Layers of a program that have the same steps, so that what is shown of a plan has each layer once.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "graph/plan.hpp"

namespace burin::graph {

struct LayerGroup {
  std::vector<int> layers;         // ascending; empty: steps outside of layers
  std::vector<std::size_t> steps;  // of the first of them, as indices into the program

  std::size_t count() const { return layers.empty() ? 1 : layers.size(); }
};

// In the order in which the program comes to them. Layers are alike whose steps have the same names but for the
// layer's number, the same kernels, blocks and barriers.
std::vector<LayerGroup> group_layers(const Program& program);

// "blk.3.ffn_down" is "ffn_down" of layer 3, "model.layers.3.mlp.down_proj" its "mlp.down_proj"; names without a number
// between dots are of layer -1.
struct NameInLayer {
  int layer = -1;
  std::string_view name;
};
NameInLayer name_in_layer(std::string_view name);

// {0,1,2,5} is "0-2, 5"; {0,2,4,6} is "0, 2, ..., 6".
std::string numbers_text(const std::vector<int>& numbers);

// "layers 0-31", "layer 3", "outside of layers".
std::string title_of(const LayerGroup& group);

}  // namespace burin::graph
