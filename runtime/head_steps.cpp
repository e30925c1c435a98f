#include "runtime/head_steps.hpp"

namespace burin::runtime {
namespace {

// Stores blocks of all rows. The arguments of both kinds of kernels have these names for the same things.
template <typename Arguments>
void store_blocks(const ThreadView& view, const BoundStep& step, Arguments arguments, const Share& blocks) {
  if (blocks.first == blocks.last) return;
  arguments.input = view.row(step.input, 0);
  arguments.output = view.row(step.output, 0);
  arguments.norm_weight = step.norm;
  arguments.norm_bias = step.norm_bias;
  arguments.rows = view.rows.count;
  arguments.first_block = blocks.first;
  arguments.last_block = blocks.last;
  arguments.epsilon = step.epsilon;
  arguments.kv = view.kv(step);
  step.entry(&arguments);
}

// Moved to where a cache's shares may begin.
Share whole_heads(const kernels::HeadLayout& heads, const Share& blocks) {
  return {heads.next_share(blocks.first), heads.next_share(blocks.last)};
}

// Where the prepared rows of a head's inputs are; those of the whole row for head 0.
std::byte* prepared_of_head(const ThreadView& view, const BoundStep& step, std::int64_t head) {
  return view.workspace.prepared() + head * view.rows.count * step.prepared_row_bytes;
}

}  // namespace

void run_heads(const ThreadView& view, const BoundStep& step) {
  kernels::HeadsArguments arguments;
  arguments.limit = step.constant;
  const Share all = {step.first_block, step.last_block};
  if (step.split == graph::Split::everything) return store_blocks(view, step, arguments, all);
  const kernels::HeadLayout& heads = view.plan.heads;
  if (step.split != graph::Split::heads)
    return store_blocks(view, step, arguments, whole_heads(heads, view.own(all.first, all.last)));
  const Share share = view.own_kv_heads();
  const std::int64_t keys = heads.query_blocks();
  const std::int64_t values = keys + heads.key_blocks();
  const auto blocks_of = [&](std::int64_t first, std::int64_t columns_per_head) {
    return Share{first + share.first * columns_per_head / kernels::kBlockColumns,
                 first + round_up_quotient(share.last * columns_per_head, kernels::kBlockColumns)};
  };
  const std::int64_t key_columns = heads.query_head_columns();
  store_blocks(view, step, arguments, blocks_of(0, heads.group() * key_columns));
  store_blocks(view, step, arguments, blocks_of(keys, key_columns));
  store_blocks(view, step, arguments, blocks_of(values, heads.value_columns()));
}

void run_latent(const ThreadView& view, const BoundStep& step) {
  // The call's first key block is the layout's.
  const std::int64_t queries = view.plan.heads.query_blocks() - step.first_block;
  Share blocks = view.own(step.first_block, step.last_block);
  blocks = whole_heads(view.plan.heads, {blocks.first + queries, blocks.last + queries});
  blocks = {blocks.first - queries, blocks.last - queries};
  if (step.split == graph::Split::everything) blocks = {step.first_block, step.last_block};
  if (step.split == graph::Split::query_heads) {
    const std::int64_t blocks_per_head = (step.last_block - step.first_block) / view.plan.heads.query_heads;
    const Share heads = view.own_query_heads();
    blocks = {heads.first * blocks_per_head, heads.last * blocks_per_head};
  }
  store_blocks(view, step, kernels::LatentArguments{}, blocks);
}

void prepare_rows_of_heads(const ThreadView& view, const BoundStep& step) {
  const Share share = view.own_query_heads();
  for (std::int64_t head = share.first; head < share.last; ++head) {
    kernels::PrepareArguments arguments;
    arguments.input = view.row(step.input, 0) + head * step.head_inputs;
    arguments.output = prepared_of_head(view, step, head);
    arguments.rows = view.rows.count;
    step.entry(&arguments);
  }
}

void multiply_rows_of_heads(const ThreadView& view, const BoundStep& step) {
  const Share share = view.own_query_heads();
  kernels::GemmArguments arguments;
  arguments.rows = view.rows.count;
  arguments.last_block = step.last_block;
  arguments.scratch = view.workspace.gemm_scratch(view.thread);
  for (std::int64_t head = share.first; head < share.last; ++head) {
    arguments.weights = step.weights + static_cast<std::size_t>(head) * step.head_weights;
    arguments.activations =
        step.one_row ? view.workspace.scratch(view.thread) : prepared_of_head(view, step, head);
    arguments.input = view.row(step.input, 0) + head * step.head_inputs;
    arguments.output = view.row(step.output, 0) + head * step.head_outputs;
    step.entry(&arguments);
  }
}

}  // namespace burin::runtime
