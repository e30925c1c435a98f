#include "runtime/executor.hpp"

#include <algorithm>
#include <chrono>

namespace burin::runtime {
namespace {

using graph::Plan;

std::size_t round_up(std::size_t value, std::size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

std::size_t attention_scratch_bytes(const Plan& plan) {
  std::size_t bytes = 0;
  for (const graph::Step& step : plan.decode)
    if (const auto* spec = std::get_if<kernels::AttentionSpec>(&step.spec))
      bytes = std::max(bytes, kernels::attention_scratch_bytes(*spec));
  return bytes;
}

// Of the layer that needs most, for one KV head.
std::size_t head_parts_bytes(const Plan& plan) {
  std::size_t bytes = 0;
  for (const graph::Step& step : plan.decode) {
    const auto* spec = std::get_if<kernels::AttentionSpec>(&step.spec);
    if (spec == nullptr || step.part_keys == 0) continue;
    const std::int64_t parts = (plan.options.context + step.part_keys - 1) / step.part_keys;
    bytes = std::max(bytes, kernels::attention_part_bytes(*spec) * static_cast<std::size_t>(parts));
  }
  return bytes;
}

// Part `index` of `parts` of a range.
struct Share {
  std::int64_t first;
  std::int64_t last;
};
Share share_of(std::int64_t first, std::int64_t last, int index, int parts) {
  const std::int64_t count = last - first;
  return {first + count * index / parts, first + count * (index + 1) / parts};
}

// One thread's walk through a program.
class Walker {
 public:
  Walker(const Plan& plan, Workspace& workspace, ThreadPool& pool, const Rows& rows, int thread)
      : plan_(plan), w_(workspace), pool_(pool), rows_(rows), thread_(thread), threads_(pool.size()) {}

  void walk(const std::vector<BoundStep>& program) {
    for (const BoundStep& step : program) {
      if (thread_ == 0 && w_.measure)
        run_measured(step);
      else
        run(step);
    }
  }

 private:
  void run(const BoundStep& step) {
    switch (step.kind) {
      case BoundStep::Kind::embed: embed(step); break;
      case BoundStep::Kind::prepare: prepare(step); break;
      case BoundStep::Kind::gemm: gemm(step); break;
      case BoundStep::Kind::attention: attention(step); break;
      case BoundStep::Kind::heads: heads(step); break;
      case BoundStep::Kind::rowwise: rowwise(step); break;
    }
    if (step.barrier && threads_ > 1) pool_.barrier();
  }

  void run_measured(const BoundStep& step) {
    const auto begin = std::chrono::steady_clock::now();
    run(step);
    w_.step_seconds[step.kind_number] +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }

  float* row(const BoundRows& rows, std::int64_t index) const {
    std::byte* base = rows.per_thread ? w_.own_rows(thread_) : w_.arena();
    const std::int64_t first = rows.per_thread || rows.logits ? 0 : rows_.first;
    return reinterpret_cast<float*>(base + rows.offset) + rows.width * (first + index);
  }

  kernels::KvArguments kv_of(const BoundStep& step) const {
    const float* rotation =
        step.rope < 0 ? nullptr : w_.rotations[static_cast<std::size_t>(step.rope)].data();
    return {rotation, w_.kv(std::max(step.layer, 0)), plan_.heads.kv_head_bytes(plan_.options.context),
            rows_.position};
  }

  void embed(const BoundStep& step) const {
    const Share share = share_of(0, rows_.count, thread_, threads_);
    const std::vector<std::int32_t>& ids = step.by_position ? w_.positions : w_.tokens;
    const kernels::EmbedArguments arguments = {step.weights, ids.data() + share.first,
                                               row(step.output, share.first), share.last - share.first,
                                               step.factor};
    step.entry(&arguments);
  }

  void prepare(const BoundStep& step) const {
    const Share share = share_of(0, rows_.count, thread_, threads_);
    const kernels::PrepareArguments arguments = {row(step.input, share.first),
                                                 w_.prepared() + share.first * step.prepared_row_bytes,
                                                 step.norm,
                                                 step.norm_bias,
                                                 share.last - share.first,
                                                 step.epsilon};
    step.entry(&arguments);
  }

  void gemm(const BoundStep& step) const {
    const Share share = share_of(step.first_block, step.last_block, thread_, threads_);
    if (share.first == share.last) return;
    kernels::GemmArguments arguments;
    arguments.weights = step.weights;
    arguments.activations = step.one_row ? w_.scratch(thread_) : w_.prepared();
    arguments.output = row(step.output, 0);
    arguments.residual = row(step.residual, 0);
    arguments.bias = step.bias;
    arguments.rows = rows_.count;
    arguments.first_block = share.first;
    arguments.last_block = share.last;
    arguments.input = row(step.input, 0);
    arguments.norm_weight = step.norm;
    arguments.norm_bias = step.norm_bias;
    arguments.epsilon = step.epsilon;
    arguments.factor = step.factor;
    arguments.kv = kv_of(step);
    step.entry(&arguments);
  }

  void heads(const BoundStep& step) const {
    if (step.split != graph::Split::heads)
      return store_heads(step, share_of(step.first_block, step.last_block, thread_, threads_));
    const kernels::HeadLayout& heads = plan_.heads;
    const Share share = share_of(0, heads.kv_heads, thread_, threads_);
    const std::int64_t keys = heads.query_blocks();
    const std::int64_t values = keys + heads.key_blocks();
    const std::int64_t query_blocks = std::int64_t{heads.group()} * heads.pair_blocks();
    const std::int64_t value_blocks = heads.value_columns() / kernels::kBlockColumns;
    store_heads(step, {share.first * query_blocks, share.last * query_blocks});
    store_heads(step, {keys + share.first * heads.pair_blocks(), keys + share.last * heads.pair_blocks()});
    store_heads(step, {values + share.first * value_blocks, values + share.last * value_blocks});
  }

  void store_heads(const BoundStep& step, const Share& blocks) const {
    if (blocks.first == blocks.last) return;
    kernels::HeadsArguments arguments;
    arguments.input = row(step.input, 0);
    arguments.output = row(step.output, 0);
    arguments.norm_weight = step.norm;
    arguments.norm_bias = step.norm_bias;
    arguments.rows = rows_.count;
    arguments.first_block = blocks.first;
    arguments.last_block = blocks.last;
    arguments.epsilon = step.epsilon;
    arguments.limit = step.constant;
    arguments.kv = kv_of(step);
    step.entry(&arguments);
  }

  void rowwise(const BoundStep& step) const {
    const Share share = step.split == graph::Split::everything ? Share{0, rows_.count}
                                                               : share_of(0, rows_.count, thread_, threads_);
    kernels::RowwiseArguments arguments;
    arguments.input = row(step.input, share.first);
    arguments.other = row(step.residual, share.first);
    arguments.output = row(step.output, share.first);
    arguments.norm_weight = step.norm;
    arguments.norm_bias = step.norm_bias;
    arguments.rows = share.last - share.first;
    arguments.epsilon = step.epsilon;
    arguments.constant = step.constant;
    step.entry(&arguments);
  }

  void attention(const BoundStep& step) {
    if (step.split == graph::Split::heads) {
      const Share share = share_of(0, plan_.heads.kv_heads, thread_, threads_);
      for (std::int64_t head = share.first; head < share.last; ++head) attend(step, head, 0);
    } else {
      attend_on_demand(step);
    }
  }

  // Items are taken as threads come free: blocks of rows far down attend to more positions. Of one row, a head's
  // keys may be several items.
  void attend_on_demand(const BoundStep& step) {
    const std::int64_t kv_heads = plan_.heads.kv_heads;
    const std::int64_t parts = parts_of(step);
    const std::int64_t row_blocks = (rows_.count + step.rows_per_call - 1) / step.rows_per_call;
    const std::int64_t items = kv_heads * row_blocks * parts;
    for (std::int64_t item = w_.next_item.fetch_add(1); item < items; item = w_.next_item.fetch_add(1)) {
      if (parts > 1)
        attend_to_part(step, item % kv_heads, item / kv_heads, parts);
      else
        attend(step, item % kv_heads, row_blocks - 1 - item / kv_heads);
    }
    // The last one through makes the counter ready for the next layer; a barrier follows before it is used.
    if (w_.finished.fetch_add(1) == threads_ - 1) {
      w_.finished.store(0);
      w_.next_item.store(0);
    }
  }

  std::int64_t parts_of(const BoundStep& step) const {
    return step.part_keys == 0 ? 1 : (rows_.position + step.part_keys) / step.part_keys;
  }

  // Whoever finishes a head's last part puts them together.
  void attend_to_part(const BoundStep& step, std::int64_t head, std::int64_t part, std::int64_t parts) {
    kernels::AttentionArguments arguments = attention_arguments(step, head, 0);
    arguments.first_key = part * step.part_keys;
    arguments.end_key = arguments.first_key + step.part_keys;
    arguments.part = w_.parts(head) + static_cast<std::size_t>(part) * step.part_bytes;
    step.entry(&arguments);
    std::atomic<std::int64_t>& finished = w_.finished_parts[static_cast<std::size_t>(head)];
    if (finished.fetch_add(1, std::memory_order_acq_rel) != parts - 1) return;
    finished.store(0, std::memory_order_relaxed);  // a barrier follows before it is used
    arguments.part = w_.parts(head);
    arguments.part_count = parts;
    step.entry(&arguments);
  }

  void attend(const BoundStep& step, std::int64_t head, std::int64_t row_block) const {
    const kernels::AttentionArguments arguments =
        attention_arguments(step, head, row_block * step.rows_per_call);
    step.entry(&arguments);
  }

  kernels::AttentionArguments attention_arguments(const BoundStep& step, std::int64_t head,
                                                  std::int64_t first) const {
    const kernels::HeadLayout& heads = plan_.heads;
    kernels::AttentionArguments arguments;
    arguments.query = row(step.input, first) + head * heads.group() * heads.query_head_columns();
    arguments.output = row(step.output, first) + head * heads.group() * heads.head_size;
    arguments.kv = w_.kv(step.layer) + head * heads.kv_head_bytes(plan_.options.context);
    arguments.scratch = w_.attention_scratch(thread_);
    arguments.query_stride = step.input.width;
    arguments.output_stride = step.output.width;
    arguments.position = rows_.position + first;
    arguments.rows = std::min<std::int64_t>(step.rows_per_call, rows_.count - first);
    arguments.scale = step.scale;
    arguments.cap = step.constant;
    if (step.slopes != nullptr) arguments.slopes = step.slopes + head * heads.group();
    if (step.sinks != nullptr) arguments.sinks = step.sinks + head * heads.group();
    arguments.end_key = arguments.position + arguments.rows;
    return arguments;
  }

  const Plan& plan_;
  Workspace& w_;
  ThreadPool& pool_;
  const Rows& rows_;
  int thread_;
  int threads_;
};

}  // namespace

Workspace::Workspace(const Plan& plan, int threads)
    : tokens(static_cast<std::size_t>(plan.options.chunk)),
      positions(static_cast<std::size_t>(plan.options.chunk)),
      rotations(plan.ropes.size(),
                std::vector<float>(static_cast<std::size_t>(plan.options.chunk * plan.heads.rotation_row()))),
      step_seconds(kStepKindCount, 0.0),
      finished_parts(static_cast<std::size_t>(plan.heads.kv_heads)),
      arena_(plan.arena_bytes, "activations"),
      prepared_(
          plan.prepared_row_bytes * static_cast<std::size_t>(std::max(plan.options.chunk, plan.head_rows)),
          "prepared rows"),
      prepared_row_bytes_(round_up(plan.prepared_row_bytes, 64)),
      own_row_bytes_(round_up(plan.thread_bytes, 64)),
      scratch_bytes_(round_up(prepared_row_bytes_ + own_row_bytes_ + attention_scratch_bytes(plan), 4096)),
      kv_layer_bytes_(static_cast<std::size_t>(plan.kv_bytes_per_layer())),
      head_parts_bytes_(head_parts_bytes(plan)) {
  parts_ =
      HugeBuffer(head_parts_bytes_ * static_cast<std::size_t>(plan.heads.kv_heads), "parts of attention");
  scratch_ = HugeBuffer(scratch_bytes_ * static_cast<std::size_t>(threads), "thread scratch");
  kv_ = HugeBuffer(kv_layer_bytes_ * static_cast<std::size_t>(plan.layers), "KV cache");
}

void run_program(const Plan& plan, const std::vector<BoundStep>& program, Workspace& workspace,
                 ThreadPool& pool, const Rows& rows) {
  pool.run([&](int thread) { Walker(plan, workspace, pool, rows, thread).walk(program); });
}

}  // namespace burin::runtime
