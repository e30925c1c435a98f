// Resolves a plan's kernels, weights and buffer addresses.
#include "runtime/binding.hpp"

#include <algorithm>

#include "runtime/plan_kernels.hpp"

namespace burin::runtime {
namespace {

using graph::Plan;
using graph::Step;

BoundRows bind_rows(const Plan& plan, int index, std::int64_t first = 0) {
  if (index < 0) return {};
  const graph::Buffer& buffer = plan.buffers[static_cast<std::size_t>(index)];
  const auto offset =
      static_cast<std::ptrdiff_t>(buffer.offset) + first * static_cast<std::ptrdiff_t>(sizeof(float));
  return {offset, buffer.width, buffer.per_thread, index == plan.logits};
}

void bind_weights(BoundStep& bound, const Plan& plan, const Step& step, const Weights& weights) {
  const auto vector = [&](int index) {
    return index < 0 ? nullptr : weights.vectors[static_cast<std::size_t>(index)].data();
  };
  bound.norm = vector(step.norm);
  bound.norm_bias = vector(step.norm_bias);
  bound.slopes = vector(step.slopes);
  bound.sinks = vector(step.sinks);
  if (step.matrix < 0) return;
  const auto matrix = static_cast<std::size_t>(step.matrix);
  const std::size_t block_bytes = plan.matrices[matrix].shape.block_bytes;
  bound.head_weights = block_bytes * static_cast<std::size_t>(step.last_block);
  bound.weights = weights.matrices[matrix] - static_cast<std::size_t>(step.first_block) * block_bytes;
  const std::vector<float>& bias = weights.biases[matrix];
  if (!bias.empty()) bound.bias = bias.data() - step.first_block * kernels::kBlockColumns;
}

void bind_experts(BoundStep& bound, const Plan& plan, const Step& step, const kernels::GemmSpec& gemm) {
  const bool sums = gemm.epilogue == kernels::GemmEpilogue::add_scaled;
  bound.kind = sums ? BoundStep::Kind::expert_sums : BoundStep::Kind::expert_gates;
  bound.expert_bytes = plan.matrices[static_cast<std::size_t>(step.matrix)].expert_bytes();
  bound.expert_columns = gemm.columns;
  bound.expert_width = (sums ? bound.input.width : bound.output.width) / step.used;
  bound.prepared_row_bytes = kernels::activation_rows(gemm.activation, gemm.inputs, gemm.weights).row_bytes;
}

BoundStep bind_step(const Plan& plan, const Step& step, const Weights& weights, jit::KernelStore& store) {
  BoundStep bound;
  bound.entry = resolve_kernel(plan, step, store);
  bound.layer = step.layer;
  bound.first_block = step.first_block;
  bound.last_block = step.last_block;
  bound.epsilon = step.epsilon;
  bound.scale = step.scale;
  bound.gate_slope = step.gate_slope;
  bound.constant = step.constant;
  bound.factor = step.factor;
  bound.rotated_block = step.rotated_block;
  bound.by_position = step.by_position;
  bound.rope = step.rope;
  bound.split = step.split;
  bound.barrier = step.barrier;
  bound.input = bind_rows(plan, step.input, step.first_input);
  bound.output = bind_rows(plan, step.output, step.first_output);
  bound.head_inputs = step.head_inputs;
  bound.head_outputs = step.head_outputs;
  bound.residual = bind_rows(plan, step.residual);
  bound.routes = bind_rows(plan, step.routes);
  if (step.order >= 0) bound.order = plan.orders[static_cast<std::size_t>(step.order)].data();
  bound.used = step.used;
  bind_weights(bound, plan, step, weights);
  if (std::holds_alternative<kernels::EmbedSpec>(step.spec)) {
    bound.kind = BoundStep::Kind::embed;
  } else if (const auto* prepare = std::get_if<kernels::PrepareSpec>(&step.spec)) {
    bound.kind = BoundStep::Kind::prepare;
    bound.prepared_row_bytes =
        kernels::activation_rows(prepare->activation, prepare->inputs, prepare->weights).row_bytes;
    bound.gather = prepare->gather;
    bound.expert_width = prepare->input_stride;
  } else if (const auto* gemm = std::get_if<kernels::GemmSpec>(&step.spec)) {
    bound.kind = BoundStep::Kind::gemm;
    bound.one_row = gemm->regime == kernels::GemmRegime::stream;
    bound.prepared_row_bytes =
        kernels::activation_rows(gemm->activation, gemm->inputs, gemm->weights).row_bytes;
    if (step.used > 0) bind_experts(bound, plan, step, *gemm);
  } else if (const auto* attention = std::get_if<kernels::AttentionSpec>(&step.spec)) {
    bound.kind = BoundStep::Kind::attention;
    bound.by_distance = attention->alibi || attention->window > 0;
    bound.rows_per_call = kernels::attention_rows_per_call(*attention);
    bound.heads_per_call = kernels::attention_heads_per_call(*attention);
    bound.part_keys = step.part_keys;
    bound.part_bytes = kernels::attention_part_bytes(*attention);
  } else if (std::holds_alternative<kernels::HeadsSpec>(step.spec)) {
    bound.kind = BoundStep::Kind::heads;
  } else if (std::holds_alternative<kernels::LatentSpec>(step.spec)) {
    bound.kind = BoundStep::Kind::latent;
  } else if (std::holds_alternative<kernels::RouteSpec>(step.spec)) {
    bound.kind = BoundStep::Kind::route;
  } else {
    bound.kind = BoundStep::Kind::rowwise;
  }
  return bound;
}

// Rows of a chunk: where all threads meet before a step and after it, any of them may compute any of its blocks. Blocks of a
// single row take less time than a thread is late.
void let_blocks_be_taken_over(std::vector<BoundStep>& program) {
  for (std::size_t i = 0; i < program.size(); ++i) {
    BoundStep& step = program[i];
    const bool meet_before = i == 0 || program[i - 1].barrier;
    const bool meet_after = step.barrier || i + 1 == program.size();
    const bool in_shared_memory =
        !step.input.per_thread && !step.output.per_thread && !step.residual.per_thread;
    step.takes_over = step.kind == BoundStep::Kind::gemm && step.split == graph::Split::blocks &&
                      !step.one_row && step.head_outputs == 0 && meet_before && meet_after &&
                      in_shared_memory;
  }
}

// Of the group in the list, which it is added to where it is not there yet.
std::size_t number_of(const graph::StepGroup& group, std::vector<graph::StepGroup>& groups) {
  const auto found = std::find(groups.begin(), groups.end(), group);
  const auto number = static_cast<std::size_t>(found - groups.begin());
  if (found == groups.end()) groups.push_back(group);
  return number;
}

// Many rows, each of which attends to the keys of its own sequence as a single one does. Its keys are not shared out:
// there are other rows.
std::vector<BoundStep> rows_of_sequences(const std::vector<BoundStep>& rows,
                                         const std::vector<BoundStep>& decode) {
  std::vector<BoundStep> together = rows;
  for (BoundStep& step : together) {
    if (step.kind != BoundStep::Kind::attention) continue;
    const auto of_one_row = std::find_if(decode.begin(), decode.end(), [&](const BoundStep& other) {
      return other.kind == step.kind && other.layer == step.layer;
    });
    if (of_one_row == decode.end()) continue;
    step.entry = of_one_row->entry;
    step.rows_per_call = of_one_row->rows_per_call;
    step.heads_per_call = of_one_row->heads_per_call;
  }
  return together;
}

}  // namespace

BoundPlan bind(const Plan& plan, const Weights& weights, jit::KernelStore& store) {
  BoundPlan bound;
  const auto bind_program = [&](const graph::Program& program, std::vector<BoundStep>& steps) {
    for (const Step& step : program) {
      steps.push_back(bind_step(plan, step, weights, store));
      steps.back().group = number_of(graph::group_of(plan, step), bound.groups);
    }
    let_blocks_be_taken_over(steps);
  };
  bind_program(plan.decode, bound.decode);
  bind_program(plan.few, bound.few);
  bind_program(plan.prefill, bound.prefill);
  bind_program(plan.head_one, bound.head_one);
  bind_program(plan.head_many, bound.head_many);
  bound.few_rows = plan.few_rows;
  bound.few_together = rows_of_sequences(bound.few, bound.decode);
  bound.together = rows_of_sequences(bound.prefill, bound.decode);
  return bound;
}

}  // namespace burin::runtime
