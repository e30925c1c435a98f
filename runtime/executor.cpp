#include "runtime/executor.hpp"

#include <algorithm>
#include <chrono>

#include "runtime/expert_steps.hpp"
#include "runtime/share.hpp"

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

std::int64_t round_up_quotient(std::int64_t value, std::int64_t divisor) {
  return (value + divisor - 1) / divisor;
}

// Parts of all groups of query heads that one call takes.
std::size_t head_calls(const Plan& plan) {
  std::int64_t cuts = 1;
  for (const graph::Step& step : plan.decode)
    if (const auto* spec = std::get_if<kernels::AttentionSpec>(&step.spec))
      cuts = round_up_quotient(plan.heads.group(), kernels::attention_heads_per_call(*spec));
  return static_cast<std::size_t>(plan.heads.kv_heads * cuts);
}

ExpertRows room_for_experts(const Plan& plan) {
  std::int64_t experts = 0;
  std::int64_t used = 0;
  for (const graph::Step& step : plan.prefill) {
    used = std::max(used, step.used);
    if (step.used > 0 && step.matrix >= 0)
      experts = std::max(experts, plan.matrices[static_cast<std::size_t>(step.matrix)].experts);
  }
  return {experts, used * plan.options.chunk};
}

// Of the layer that needs most, for the query heads of one call.
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
      case BoundStep::Kind::latent: latent(step); break;
      case BoundStep::Kind::rowwise: rowwise(step); break;
      case BoundStep::Kind::route: route(step); break;
      case BoundStep::Kind::expert_gates: expert_gates(step); break;
      case BoundStep::Kind::expert_sums: expert_sums(step); break;
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

  // Query heads of this thread.
  Share own_heads() const { return share_of(0, plan_.heads.query_heads, thread_, threads_); }

  // Where the prepared rows of a head's inputs are; those of the whole row for head 0.
  std::byte* prepared_of_head(const BoundStep& step, std::int64_t head) const {
    return w_.prepared() + head * rows_.count * step.prepared_row_bytes;
  }

  void prepare_heads(const BoundStep& step) const {
    const Share share = own_heads();
    for (std::int64_t head = share.first; head < share.last; ++head) {
      const kernels::PrepareArguments arguments = {row(step.input, 0) + head * step.head_inputs,
                                                   prepared_of_head(step, head),
                                                   nullptr,
                                                   nullptr,
                                                   rows_.count,
                                                   0};
      step.entry(&arguments);
    }
  }

  // Of experts: rows are places. Each thread sorts them for itself, for the steps that follow too.
  void prepare(const BoundStep& step) {
    if (step.split == graph::Split::query_heads) return prepare_heads(step);
    const Share share = share_of(0, rows_.count * std::max<std::int64_t>(step.used, 1), thread_, threads_);
    kernels::PrepareArguments arguments;
    if (step.gather) {
      w_.expert_rows(thread_).sort(routes(step), rows_.count);
      arguments.input = row(step.input, 0);
      arguments.numbers = w_.expert_rows(thread_).rows() + share.first;
    } else {
      const std::int64_t stride = step.used > 0 ? step.expert_width : step.input.width;
      arguments.input = row(step.input, 0) + share.first * stride;
    }
    arguments.output = w_.prepared() + share.first * step.prepared_row_bytes;
    arguments.norm_weight = step.norm;
    arguments.norm_bias = step.norm_bias;
    arguments.rows = share.last - share.first;
    arguments.epsilon = step.epsilon;
    step.entry(&arguments);
  }

  // Each head's inputs times its own blocks of the matrix.
  void gemm_heads(const BoundStep& step) const {
    const Share share = own_heads();
    kernels::GemmArguments arguments;
    arguments.rows = rows_.count;
    arguments.last_block = step.last_block;
    for (std::int64_t head = share.first; head < share.last; ++head) {
      arguments.weights = step.weights + static_cast<std::size_t>(head) * step.head_weights;
      arguments.activations = step.one_row ? w_.scratch(thread_) : prepared_of_head(step, head);
      arguments.input = row(step.input, 0) + head * step.head_inputs;
      arguments.output = row(step.output, 0) + head * step.head_outputs;
      step.entry(&arguments);
    }
  }

  void gemm(const BoundStep& step) const {
    if (step.split == graph::Split::query_heads) return gemm_heads(step);
    const Share share = step.split == graph::Split::everything
                            ? Share{step.first_block, step.last_block}
                            : share_of(step.first_block, step.last_block, thread_, threads_);
    if (share.first == share.last) return;
    kernels::GemmArguments arguments = gemm_arguments(step);
    arguments.first_block = share.first;
    arguments.last_block = share.last;
    step.entry(&arguments);
  }

  kernels::GemmArguments gemm_arguments(const BoundStep& step) const {
    kernels::GemmArguments arguments;
    arguments.weights = step.weights;
    arguments.activations = step.one_row ? w_.scratch(thread_) : w_.prepared();
    arguments.output = row(step.output, 0);
    arguments.residual = row(step.residual, 0);
    arguments.bias = step.bias;
    arguments.rows = rows_.count;
    arguments.input = row(step.input, 0);
    arguments.norm_weight = step.norm;
    arguments.norm_bias = step.norm_bias;
    arguments.epsilon = step.epsilon;
    arguments.factor = step.factor;
    arguments.kv = kv_of(step);
    arguments.limit = step.constant;
    arguments.slope = step.scale;
    return arguments;
  }

  Routes routes(const BoundStep& step) const { return {row(step.routes, 0), step.routes.width, step.used}; }

  void route(const BoundStep& step) const {
    const Share share = own_rows(step);
    kernels::RouteArguments arguments;
    arguments.logits = row(step.input, share.first);
    arguments.routes = row(step.output, share.first);
    arguments.rows = share.last - share.first;
    arguments.scale = step.scale;
    step.entry(&arguments);
  }

  void expert_gates(const BoundStep& step) const {
    const ExpertCall call = {step, gemm_arguments(step), thread_, threads_};
    if (step.one_row)
      expert_gates_of_row(call, routes(step));
    else
      expert_gates_of_rows(call, w_.expert_rows(thread_));
  }

  void expert_sums(const BoundStep& step) const {
    const ExpertCall call = {step, gemm_arguments(step), thread_, threads_};
    if (step.one_row)
      expert_sums_of_row(call, routes(step));
    else
      expert_sums_of_rows(call, w_.expert_rows(thread_));
  }

  // Of a step that computes rows by themselves.
  Share own_rows(const BoundStep& step) const {
    return step.split == graph::Split::everything ? Share{0, rows_.count}
                                                  : share_of(0, rows_.count, thread_, threads_);
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

  void latent(const BoundStep& step) const {
    Share blocks = share_of(step.first_block, step.last_block, thread_, threads_);
    if (step.split == graph::Split::everything) blocks = {step.first_block, step.last_block};
    if (step.split == graph::Split::query_heads) {
      const std::int64_t blocks_per_head = (step.last_block - step.first_block) / plan_.heads.query_heads;
      blocks = {own_heads().first * blocks_per_head, own_heads().last * blocks_per_head};
    }
    if (blocks.first == blocks.last) return;
    kernels::LatentArguments arguments;
    arguments.input = row(step.input, 0);
    arguments.output = row(step.output, 0);
    arguments.norm_weight = step.norm;
    arguments.norm_bias = step.norm_bias;
    arguments.rows = rows_.count;
    arguments.first_block = blocks.first;
    arguments.last_block = blocks.last;
    arguments.epsilon = step.epsilon;
    arguments.kv = kv_of(step);
    step.entry(&arguments);
  }

  void rowwise(const BoundStep& step) const {
    const Share share = own_rows(step);
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
    const std::int64_t group = plan_.heads.group();
    if (step.split == graph::Split::heads) {
      const Share share = share_of(0, plan_.heads.kv_heads, thread_, threads_);
      attend_heads(step, {share.first * group, share.last * group});
    } else if (step.split == graph::Split::query_heads) {
      attend_heads(step, own_heads());
    } else {
      attend_on_demand(step);
    }
  }

  // The first rows of query heads, a KV head after the other.
  void attend_heads(const BoundStep& step, const Share& heads) const {
    const std::int64_t group = plan_.heads.group();
    for (std::int64_t first = heads.first; first < heads.last;) {
      const std::int64_t end = std::min((first / group + 1) * group, heads.last);
      const std::int64_t last = std::min<std::int64_t>(end, first + step.heads_per_call);
      attend(step, {first, last}, 0);
      first = last;
    }
  }

  // Items are taken as threads come free: blocks of rows far down attend to more positions. Of one row, a head's
  // keys may be several items. Groups of query heads are cut where a call cannot take them whole, or where threads
  // would go without.
  void attend_on_demand(const BoundStep& step) {
    const std::int64_t kv_heads = plan_.heads.kv_heads;
    const std::int64_t group = plan_.heads.group();
    const std::int64_t parts = parts_of(step);
    const std::int64_t row_blocks = round_up_quotient(rows_.count, step.rows_per_call);
    std::int64_t cuts = round_up_quotient(group, step.heads_per_call);
    if (parts == 1)
      cuts = std::min(group, std::max(cuts, round_up_quotient(threads_, kv_heads * row_blocks)));
    const std::int64_t columns = kv_heads * cuts;
    const std::int64_t items = columns * row_blocks * parts;
    for (std::int64_t item = w_.next_item.fetch_add(1); item < items; item = w_.next_item.fetch_add(1)) {
      const std::int64_t column = item % columns;
      const std::int64_t first = column / cuts * group;
      const Share heads =
          share_of(first, first + group, static_cast<int>(column % cuts), static_cast<int>(cuts));
      if (parts > 1)
        attend_to_part(step, heads, column, item / columns, parts);
      else
        attend(step, heads, row_blocks - 1 - item / columns);
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

  // Whoever finishes the last part of the heads' keys puts them together.
  void attend_to_part(const BoundStep& step, const Share& heads, std::int64_t column, std::int64_t part,
                      std::int64_t parts) {
    kernels::AttentionArguments arguments = attention_arguments(step, heads, 0);
    arguments.first_key = part * step.part_keys;
    arguments.end_key = arguments.first_key + step.part_keys;
    arguments.part = w_.parts(column) + static_cast<std::size_t>(part) * step.part_bytes;
    step.entry(&arguments);
    std::atomic<std::int64_t>& finished = w_.finished_parts[static_cast<std::size_t>(column)];
    if (finished.fetch_add(1, std::memory_order_acq_rel) != parts - 1) return;
    finished.store(0, std::memory_order_relaxed);  // a barrier follows before it is used
    arguments.part = w_.parts(column);
    arguments.part_count = parts;
    step.entry(&arguments);
  }

  void attend(const BoundStep& step, const Share& heads, std::int64_t row_block) const {
    const kernels::AttentionArguments arguments =
        attention_arguments(step, heads, row_block * step.rows_per_call);
    step.entry(&arguments);
  }

  // Of query heads that share one KV head.
  kernels::AttentionArguments attention_arguments(const BoundStep& step, const Share& query_heads,
                                                  std::int64_t first) const {
    const std::int64_t head = query_heads.first;
    const kernels::HeadLayout& heads = plan_.heads;
    kernels::AttentionArguments arguments;
    arguments.query = row(step.input, first) + head * heads.query_head_columns();
    arguments.output = row(step.output, first) + head * heads.value_width();
    arguments.kv = w_.kv(step.layer) + head / heads.group() * heads.kv_head_bytes(plan_.options.context);
    arguments.scratch = w_.attention_scratch(thread_);
    arguments.query_stride = step.input.width;
    arguments.output_stride = step.output.width;
    arguments.position = rows_.position + first;
    arguments.rows = std::min<std::int64_t>(step.rows_per_call, rows_.count - first);
    arguments.heads = query_heads.last - query_heads.first;
    arguments.scale = step.scale;
    arguments.cap = step.constant;
    if (step.slopes != nullptr) arguments.slopes = step.slopes + head;
    if (step.sinks != nullptr) arguments.sinks = step.sinks + head;
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
      finished_parts(head_calls(plan)),
      arena_(plan.arena_bytes, "activations"),
      prepared_(plan.prepared_bytes, "prepared rows"),
      expert_rows_(static_cast<std::size_t>(threads), room_for_experts(plan)),
      prepared_row_bytes_(round_up(plan.prepared_row_bytes, 64)),
      own_row_bytes_(round_up(plan.thread_bytes, 64)),
      scratch_bytes_(round_up(prepared_row_bytes_ + own_row_bytes_ + attention_scratch_bytes(plan), 4096)),
      kv_layer_bytes_(static_cast<std::size_t>(plan.kv_bytes_per_layer())),
      head_parts_bytes_(head_parts_bytes(plan)) {
  parts_ = HugeBuffer(head_parts_bytes_ * finished_parts.size(), "parts of attention");
  scratch_ = HugeBuffer(scratch_bytes_ * static_cast<std::size_t>(threads), "thread scratch");
  kv_ = HugeBuffer(kv_layer_bytes_ * static_cast<std::size_t>(plan.layers), "KV cache");
}

void run_program(const Plan& plan, const std::vector<BoundStep>& program, Workspace& workspace,
                 ThreadPool& pool, const Rows& rows) {
  pool.run([&](int thread) { Walker(plan, workspace, pool, rows, thread).walk(program); });
}

}  // namespace burin::runtime
