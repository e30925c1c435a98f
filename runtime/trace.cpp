#include "runtime/trace.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "jit/sha256.hpp"

namespace burin::runtime {
namespace {

constexpr std::size_t kChecksumDigits = 16;

// Of rows `stride` bytes apart, of which `used` bytes count.
std::string checksum_of(const std::byte* first, std::int64_t rows, std::int64_t stride, std::int64_t used) {
  std::string bytes;
  for (std::int64_t row = 0; row < rows; ++row)
    bytes.append(reinterpret_cast<const char*>(first + row * stride), static_cast<std::size_t>(used));
  return jit::to_hex(jit::sha256(bytes)).substr(0, kChecksumDigits);
}

std::int64_t prepared_bytes(const kernels::PrepareSpec& spec) {
  return kernels::activation_rows(spec.activation, spec.inputs, spec.weights).used_bytes();
}

RowNorms norms_of(std::span<const float> values, std::int64_t width) {
  RowNorms norms;
  norms.width = width;
  double squares = 0;
  for (const float value : values) {
    const double x = std::fabs(static_cast<double>(value));
    squares += x * x;
    if (x > norms.largest || std::isnan(x)) norms.largest = x;
  }
  if (std::isnan(squares)) norms.largest = std::numeric_limits<double>::quiet_NaN();
  norms.l2 = std::sqrt(squares);
  return norms;
}

// The step's output rows; logits always begin at row 0 of their buffer. Of rows that every thread has, those of the
// first.
std::span<const float> output_rows(const graph::Plan& plan, const graph::Step& step,
                                   const Workspace& workspace, const Rows& rows) {
  const graph::Buffer& buffer = plan.buffers[static_cast<std::size_t>(step.output)];
  const std::byte* memory = buffer.per_thread ? workspace.own_rows(0) : workspace.arena();
  const auto* row_0 = reinterpret_cast<const float*>(memory + buffer.offset);
  const std::int64_t first = buffer.per_thread || step.output == plan.logits ? 0 : rows.first;
  return {row_0 + first * buffer.width, static_cast<std::size_t>(rows.count * buffer.width)};
}

void look_at(StepRecord& record, const graph::Plan& plan, const BoundStep& bound, const Workspace& workspace,
             const Rows& rows) {
  const graph::Step& step = *record.step;
  if (record.partial) return;
  if (step.output >= 0) {
    const std::int64_t width = plan.buffers[static_cast<std::size_t>(step.output)].width;
    const auto row_bytes = width * static_cast<std::int64_t>(sizeof(float));
    const std::span<const float> values = output_rows(plan, step, workspace, rows);
    record.norms = norms_of(values, width);
    record.checksum = checksum_of(std::as_bytes(values).data(), rows.count, row_bytes, row_bytes);
  } else if (const auto* prepare = std::get_if<kernels::PrepareSpec>(&step.spec)) {
    const std::int64_t heads = step.split == graph::Split::query_heads ? plan.heads.query_heads : 1;
    record.checksum =
        checksum_of(workspace.prepared(), heads * rows.count * std::max<std::int64_t>(step.used, 1),
                    bound.prepared_row_bytes, prepared_bytes(*prepare));
  }
}

}  // namespace

void trace_program(const graph::Plan& plan, std::string_view name, const graph::Program& steps,
                   const std::vector<BoundStep>& program, Workspace& workspace, ThreadPool& pool,
                   const Rows& rows, std::int64_t position, const StepSink& sink) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    run_program(plan, {program[i]}, workspace, pool, rows);
    StepRecord record;
    record.program = name;
    record.position = position;
    record.rows = rows.count;
    record.step = &steps[i];
    // Rotated parts of latent queries: the rest is made by the next step.
    const bool rotated_part = std::holds_alternative<kernels::LatentSpec>(steps[i].spec);
    record.partial = steps[i].output >= 0 &&
                     (rotated_part || (i + 1 < steps.size() && steps[i + 1].name == steps[i].name));
    look_at(record, plan, program[i], workspace, rows);
    sink(record);
  }
}

}  // namespace burin::runtime
