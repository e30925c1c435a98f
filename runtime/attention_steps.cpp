#include "runtime/attention_steps.hpp"

#include <algorithm>
#include <atomic>

namespace burin::runtime {
namespace {

class AttentionRun {
 public:
  AttentionRun(const ThreadView& view, const BoundStep& step) : v_(view), w_(view.workspace), step_(step) {}

  void run() {
    const std::int64_t group = v_.plan.heads.group();
    if (step_.split == graph::Split::heads) {
      const Share share = v_.own_kv_heads();
      attend_heads({share.first * group, share.last * group});
    } else if (step_.split == graph::Split::query_heads) {
      attend_heads(v_.own_query_heads());
    } else {
      attend_on_demand();
    }
  }

 private:
  // Rows that one call takes: of `sequence`, from its row `first` on.
  struct RowBlock {
    const SequenceRows& sequence;
    std::int64_t first;
  };

  // Of one row: query heads, a KV head after the other.
  void attend_heads(const Share& heads) const {
    const std::int64_t group = v_.plan.heads.group();
    for (std::int64_t first = heads.first; first < heads.last;) {
      const std::int64_t end = std::min((first / group + 1) * group, heads.last);
      const std::int64_t last = std::min<std::int64_t>(end, first + step_.heads_per_call);
      attend({first, last}, {w_.sequences().front(), 0});
      first = last;
    }
  }

  // Items are taken as threads come free: blocks of rows far down attend to more positions. Of one row, a head's
  // keys may be several items. Groups of query heads are cut where a call cannot take them whole, or where threads
  // would go without.
  void attend_on_demand() {
    const std::int64_t kv_heads = v_.plan.heads.kv_heads;
    const std::int64_t group = v_.plan.heads.group();
    const std::int64_t parts = key_parts();
    const std::int64_t row_blocks = all_row_blocks();
    std::int64_t cuts = round_up_quotient(group, step_.heads_per_call);
    if (parts == 1)
      cuts = std::min(group, std::max(cuts, round_up_quotient(v_.threads, kv_heads * row_blocks)));
    const std::int64_t columns = kv_heads * cuts;
    const std::int64_t items = columns * row_blocks * parts;
    for (std::int64_t item = w_.next_item.fetch_add(1); item < items; item = w_.next_item.fetch_add(1)) {
      // A head's blocks of rows one after the other: its keys and values are in the caches then.
      const std::int64_t column = parts > 1 ? item % columns : item / row_blocks;
      const std::int64_t first = column / cuts * group;
      const Share heads =
          share_of(first, first + group, static_cast<int>(column % cuts), static_cast<int>(cuts));
      if (parts > 1)
        attend_to_part(heads, column, item / columns, parts);
      else
        attend(heads, row_block(row_blocks - 1 - item % row_blocks));
    }
    if (w_.is_last_through(v_.threads)) w_.next_item.store(0);
  }

  std::int64_t row_blocks_of(const SequenceRows& sequence) const {
    return round_up_quotient(sequence.count, step_.rows_per_call);
  }
  std::int64_t all_row_blocks() const {
    std::int64_t blocks = 0;
    for (const SequenceRows& sequence : w_.sequences()) blocks += row_blocks_of(sequence);
    return blocks;
  }
  // Blocks are counted through all sequences.
  RowBlock row_block(std::int64_t number) const {
    auto sequence = w_.sequences().begin();
    for (; number >= row_blocks_of(*sequence); ++sequence) number -= row_blocks_of(*sequence);
    return {*sequence, number * step_.rows_per_call};
  }

  // Of the only sequence.
  std::int64_t key_parts() const {
    if (step_.part_keys == 0) return 1;
    return round_up_quotient(w_.sequences().front().kv->end_of_slots(step_.layer), step_.part_keys);
  }

  // Whoever finishes the last part of the heads' keys puts them together.
  void attend_to_part(const Share& heads, std::int64_t column, std::int64_t part, std::int64_t parts) {
    kernels::AttentionArguments arguments = arguments_of(heads, {w_.sequences().front(), 0});
    arguments.first_slot = part * step_.part_keys;
    arguments.end_slot = arguments.first_slot + step_.part_keys;
    arguments.part = w_.parts(column) + static_cast<std::size_t>(part) * step_.part_bytes;
    step_.entry(&arguments);
    std::atomic<std::int64_t>& finished = w_.finished_parts[static_cast<std::size_t>(column)];
    if (finished.fetch_add(1, std::memory_order_acq_rel) != parts - 1) return;
    finished.store(0, std::memory_order_relaxed);  // a barrier follows before it is used
    arguments.part = w_.parts(column);
    arguments.part_count = parts;
    step_.entry(&arguments);
  }

  void attend(const Share& heads, const RowBlock& block) const {
    const kernels::AttentionArguments arguments = arguments_of(heads, block);
    step_.entry(&arguments);
  }

  // Of query heads that share one KV head.
  kernels::AttentionArguments arguments_of(const Share& query_heads, const RowBlock& block) const {
    const std::int64_t head = query_heads.first;
    const KvCache& kv = *block.sequence.kv;
    const std::int64_t row = block.sequence.first + block.first;
    const kernels::HeadLayout& heads = v_.plan.heads;
    kernels::AttentionArguments arguments;
    arguments.query = v_.row(step_.input, row) + head * heads.query_head_columns();
    arguments.output = v_.row(step_.output, row) + head * heads.value_width();
    const std::span<const kernels::KeySpan> spans = kv.spans(step_.layer, step_.by_distance);
    arguments.blocks = kv.blocks(step_.layer);
    arguments.head_offset = kv.layer_offset(step_.layer) + head / heads.group() * heads.kv_block_bytes();
    arguments.spans = spans.data();
    arguments.span_count = static_cast<std::int64_t>(spans.size());
    arguments.scratch = w_.attention_scratch(v_.thread);
    arguments.query_stride = step_.input.width;
    arguments.output_stride = step_.output.width;
    arguments.position = block.sequence.position + block.first;
    arguments.rows = std::min<std::int64_t>(step_.rows_per_call, block.sequence.count - block.first);
    arguments.heads = query_heads.last - query_heads.first;
    arguments.scale = step_.scale;
    arguments.cap = step_.constant;
    if (step_.slopes != nullptr) arguments.slopes = step_.slopes + head;
    if (step_.sinks != nullptr) arguments.sinks = step_.sinks + head;
    if (!w_.query_factors.empty()) arguments.factors = w_.query_factors.data() + row;
    arguments.end_slot = kv.end_of_slots(step_.layer);
    return arguments;
  }

  const ThreadView& v_;
  Workspace& w_;
  const BoundStep& step_;
};

}  // namespace

void run_attention(const ThreadView& view, const BoundStep& step) { AttentionRun(view, step).run(); }

}  // namespace burin::runtime
