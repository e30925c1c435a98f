// How a step's work is divided among threads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graph/plan.hpp"

namespace burin::graph::draw {

struct Partition {
  std::string unit;  // "column blocks", "rows", ...
  std::int64_t items = 0;
  Split split = Split::rows;         // threads take items as they come free
  std::vector<std::int64_t> shares;  // per thread; on demand: what would be even

  // Of all threads' time, what passes waiting for the one with most to do.
  double idle() const;
};

Partition partition_of(const Step& step, std::int64_t rows, int threads);

// The steps of a layer, a bar each, cut where one thread's part ends. SVG.
std::string draw_partitions(const std::vector<const Step*>& steps, std::int64_t rows, int threads);

}  // namespace burin::graph::draw
