// Packed matrices of a graph's linear and embedding nodes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "graph/planner/plan_draft.hpp"

namespace burin::graph {

// A run of column blocks of a linear node whose parts have one format, and their inputs in one order.
struct MatrixSegment {
  int matrix = 0;  // index into Plan::matrices
  std::int64_t first_block = 0;
  std::int64_t last_block = 0;
  int order = -1;  // of its parts' inputs
};

struct MatrixTable {
  std::map<std::string, std::vector<MatrixSegment>> segments;  // by name of the linear node
  std::map<std::string, int> embeddings;                       // by name of the embed node
  std::map<std::string, int> experts;                          // by name of the node of experts

  const std::vector<MatrixSegment>& of(const Node& node) const { return segments.at(node.name); }
  std::int64_t columns(const Node& node) const {  // of all segments, padded to whole blocks
    return of(node).back().last_block * kernels::kBlockColumns;
  }
};

// Fills Plan::matrices and weight_bytes. Types and heads must be chosen. A head that is tied to the embedding
// shares its matrix.
MatrixTable plan_matrices(PlanDraft& draft);

}  // namespace burin::graph
