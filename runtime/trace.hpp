// What every step of an evaluation made, to find the first one that differs from the oracle or another engine.
//
// Traced programs run step by step, each on all threads, and are looked at between; programs that are not traced
// know nothing of it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/executor.hpp"

namespace burin::runtime {

// Of all rows a step was run for. Query heads lie in rows as kernels want them (templates/head_layout.hpp): norms are
// those of the plain order, checksums are comparable between runs of Burin.
struct RowNorms {
  std::int64_t width = 0;  // floats per row, padding zeros among them
  double l2 = 0;           // square root of the sum of all squares
  double largest = 0;      // absolute value; NaN where there is one
};

struct StepRecord {
  std::string_view program;   // "decode", "prefill" or "head"
  std::int64_t position = 0;  // of the first row in the sequence
  std::int64_t rows = 0;
  const graph::Step* step = nullptr;  // of the plan, with name and kernel
  bool partial = false;               // the next step computes more columns of the same rows
  std::optional<RowNorms> norms;      // of f32 rows; none: prepared rows for the next step, or a partial one
  // First 16 digits of the SHA-256 over the rows' bytes, as sha256sum would print them; empty for partial
  // rows and outputs of no known form.
  std::string checksum;
};
using StepSink = std::function<void(const StepRecord&)>;

// `steps` and `program` are of the same program; `position` is that of row rows.first.
void trace_program(const graph::Plan& plan, std::string_view name, const graph::Program& steps,
                   const std::vector<BoundStep>& program, Workspace& workspace, ThreadPool& pool,
                   const Rows& rows, std::int64_t position, const StepSink& sink);

}  // namespace burin::runtime
