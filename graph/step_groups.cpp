#include "graph/step_groups.hpp"

#include <fmt/format.h>

namespace burin::graph {
namespace {

std::string gemm_kind(const Step& step, const kernels::GemmSpec& gemm) {
  if (step.used > 0) return "experts";
  switch (gemm.epilogue) {
    case kernels::GemmEpilogue::rope_kv: return "gemm qkv";
    case kernels::GemmEpilogue::activate:
    case kernels::GemmEpilogue::gate: return "gemm gate up";
    case kernels::GemmEpilogue::add: return "gemm out";
    default: return "gemm head";
  }
}

std::string kind_of_group(const Step& step) {
  if (step.head_outputs > 0) return "gemm heads";
  const auto* gemm = std::get_if<kernels::GemmSpec>(&step.spec);
  return gemm != nullptr ? gemm_kind(step, *gemm) : std::string(kind_of(step.spec));
}

}  // namespace

StepGroup group_of(const Plan& plan, const Step& step) {
  StepGroup group = {kind_of_group(step), {}};
  group.name = group.kind;
  if (!std::holds_alternative<kernels::GemmSpec>(step.spec)) return group;
  const PackedMatrix& matrix = plan.matrices[static_cast<std::size_t>(step.matrix)];
  group.name += fmt::format(" {}x{} {}", matrix.shape.inputs,
                            (step.last_block - step.first_block) * kernels::kBlockColumns,
                            kernels::to_text(matrix.format));
  return group;
}

}  // namespace burin::graph
