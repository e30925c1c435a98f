// Kernels of plan steps: names, emission, and the traffic they cause.
#include "graph/plan.hpp"
#include "jit/error.hpp"
#include "jit/spec_text.hpp"

namespace burin::graph {
namespace {

template <typename... Cases>
struct Overload : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overload(Cases...) -> Overload<Cases...>;

std::uint64_t floats(std::int64_t count) { return static_cast<std::uint64_t>(count) * sizeof(float); }

}  // namespace

std::string kernel_name(const KernelSpec& spec) {
  return std::visit([](const auto& s) { return jit::spec_text(s); }, spec);
}

std::string_view kind_of(const KernelSpec& spec) {
  return std::visit([](const auto& s) { return std::remove_cvref_t<decltype(s)>::kKind; }, spec);
}

jit::CodeImage emit_kernel(const KernelSpec& spec, const jit::Target& target) {
  return std::visit(Overload{
                        [&](const kernels::EmbedSpec& s) { return kernels::emit_embed(s, target); },
                        [&](const kernels::PrepareSpec& s) { return kernels::emit_prepare(s, target); },
                        [&](const kernels::GemmSpec& s) { return kernels::emit_gemm(s, target); },
                        [&](const kernels::AttentionSpec& s) { return kernels::emit_attention(s, target); },
                        [&](const kernels::HeadsSpec& s) { return kernels::emit_heads(s, target); },
                        [&](const kernels::LatentSpec& s) { return kernels::emit_latent(s, target); },
                        [&](const kernels::RowwiseSpec& s) { return kernels::emit_rowwise(s, target); },
                        [&](const kernels::RouteSpec& s) { return kernels::emit_route(s, target); },
                    },
                    spec);
}

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
