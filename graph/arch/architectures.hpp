// Which architectures there are: one file in graph/arch/ and one row in architectures.cpp each.
#pragma once

#include <cstdint>
#include <string_view>

#include "graph/ir.hpp"
#include "graph/model_description.hpp"

namespace burin::graph {

// A model's graph and the facts about it that sessions need.
struct Decoder {
  Graph graph;
  std::int64_t vocabulary = 0;
  std::int64_t context = 0;  // that the model was trained for
  int layers = 0;
};

// Reads configuration and tensor names, checks every shape, and builds the unfused graph.
// Throws burin::Error for an architecture there is no row for, naming the nearest there is.
Decoder build_decoder(const ModelDescription& model);

}  // namespace burin::graph
