// The traffic that the kernels of plan steps cause, and where threads meet.
#include <fmt/format.h>

#include <algorithm>

#include "graph/plan.hpp"

namespace burin::graph {
namespace {

std::uint64_t floats(std::int64_t count) { return static_cast<std::uint64_t>(count) * sizeof(float); }

}  // namespace

StepTraffic traffic_of(const Plan& plan, const Step& step, std::int64_t positions) {
  StepTraffic traffic;
  const auto width = [&](int buffer) {
    return buffer < 0 ? 0 : floats(plan.buffers[static_cast<std::size_t>(buffer)].width);
  };
  if (step.matrix >= 0) {
    const PackedMatrix& matrix = plan.matrices[static_cast<std::size_t>(step.matrix)];
    if (kind_of(step.spec) == kernels::EmbedSpec::kKind)
      traffic.weights = matrix.shape.block_bytes / kernels::kBlockColumns;
    else if (step.used > 0)
      traffic.weights = matrix.expert_bytes() * static_cast<std::uint64_t>(step.used);
    else
      traffic.weights = matrix.shape.total_bytes;
  }
  traffic.read = width(step.input) + width(step.residual) + width(step.routes);
  traffic.written = width(step.output);
  if (std::holds_alternative<kernels::AttentionSpec>(step.spec))
    traffic.read += static_cast<std::uint64_t>((positions + kernels::kKvBlock - 1) / kernels::kKvBlock *
                                               plan.heads.layer_block_bytes());
  if (const auto* prepare = std::get_if<kernels::PrepareSpec>(&step.spec))
    traffic.written = static_cast<std::uint64_t>(
        kernels::activation_rows(prepare->activation, prepare->inputs, prepare->weights).row_bytes);
  return traffic;
}

int barriers_per_layer(const Plan& plan) {
  int most = 0;
  for (int layer = 0; layer < plan.layers; ++layer) {
    const std::string name = fmt::format(".{}.", layer);
    int barriers = 0;
    for (const Step& step : plan.decode)
      if (step.barrier && step.name.find(name) != std::string::npos) ++barriers;
    most = std::max(most, barriers);
  }
  return most;
}

}  // namespace burin::graph
