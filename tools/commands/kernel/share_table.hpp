// Times of the manifest's rows as tables: kinds and compute types in sections, weight formats and variants in lines.
#pragma once

#include <string>
#include <vector>

#include "tools/commands/kernel/timer.hpp"

namespace burin::tools {

struct TimedRow {
  std::string name;  // of the manifest's row
  KernelTime time;
};

// Markdown, without a title: an overview of the sections, then a table each. Every row has its cell.
std::string share_tables(const std::vector<TimedRow>& rows);

}  // namespace burin::tools
