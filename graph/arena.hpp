// Where the values of a graph live: buffers shared by values that are not needed at the same time.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "graph/ir.hpp"

namespace burin::graph {

// f32 rows in the arena, or in memory that each thread has of its own.
struct Buffer {
  std::string name;
  std::int64_t width = 0;  // floats per row
  std::int64_t rows = 0;
  std::size_t offset = 0;   // bytes
  bool per_thread = false;  // one row, at `offset` of each thread's memory

  std::size_t bytes() const { return static_cast<std::size_t>(width * rows) * sizeof(float); }
};

// Floats of a value's row, and how many of them its node writes. What lies past that must be zero.
struct RowExtent {
  std::int64_t width = 0;
  std::int64_t written = 0;

  auto operator<=>(const RowExtent&) const = default;
};

struct Arena {
  std::vector<Buffer> buffers;
  std::map<ValueId, int> buffer_of;  // index into buffers
  std::size_t bytes = 0;
};

// `extents` has every value that a node makes. Values have `rows` rows, those of the head `logit_rows`.
Arena assign_arena(const Graph& graph, const std::map<ValueId, RowExtent>& extents, std::int64_t rows,
                   std::int64_t logit_rows);

}  // namespace burin::graph
