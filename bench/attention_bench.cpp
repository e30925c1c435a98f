// Attention of a 7B layer: one row deep in a context (bound by memory), and the rows of a chunk.
#include <algorithm>
#include <bit>
#include <cstring>

#include "bench/bench_support.hpp"
#include "runtime/kv/kv_ring.hpp"
#include "templates/attention/attention_spec.hpp"
#include "templates/formats/float16.hpp"

namespace burin::bench {
namespace {

using namespace kernels;

std::uint32_t stored_bits(KvStorage storage, float value) {
  switch (storage) {
    case KvStorage::f32: return std::bit_cast<std::uint32_t>(value);
    case KvStorage::f16: return f32_to_f16(value);
    case KvStorage::bf16: return f32_to_bf16(value);
    case KvStorage::int8: return static_cast<std::uint8_t>(static_cast<int>(value * 127));
  }
  return 0;
}

// A block of random keys and values, repeated all over the cache.
std::vector<std::byte> cache_pattern(const HeadLayout& heads) {
  std::vector<std::byte> pattern(static_cast<std::size_t>(heads.kv_block_bytes()));
  const std::vector<float> values =
      random_floats(pattern.size() / static_cast<std::size_t>(heads.element_bytes()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint32_t bits = stored_bits(heads.kv, values[i]);
    std::memcpy(&pattern[i * static_cast<std::size_t>(heads.element_bytes())], &bits,
                static_cast<std::size_t>(heads.element_bytes()));
  }
  for (const int scales : {heads.key_scales_offset(), heads.key_block_bytes() + heads.value_scales_offset()})
    for (int at = 0; at < heads.scales_bytes(); at += 4) {
      const float scale = 1.0f / 127;
      std::memcpy(&pattern[static_cast<std::size_t>(scales + at)], &scale, sizeof(scale));
    }
  return pattern;
}

// Where `depth` keys lie.
struct KeysInRing {
  enum Order { in_order, full, with_gap, before_wrap };

  // in_order: nothing was discarded yet. full: in a ring of as many slots behind four that stay, which wraps in the
  // middle of a block. with_gap: in one of `slots`; the others have been discarded. before_wrap: in the same one, whose
  // newest key is in its last block still.
  KeysInRing(const AttentionSpec& spec, std::int64_t rows, std::int64_t depth, std::int64_t slots,
             Order order)
      : ring{order == in_order ? 0 : kStaying, has_gap(order) ? slots : depth},
        position(end(depth, order) - rows),
        spans(ring.spans(position, rows, position + rows - depth, spec.alibi || spec.window > 0)) {}

  static bool has_gap(Order order) { return order == with_gap || order == before_wrap; }

  runtime::KvRing ring;
  std::int64_t position;  // of the first row
  runtime::KeySpans spans;

 private:
  static constexpr std::int64_t kStaying = 4;

  // Position behind the newest key. Those of with_gap and before_wrap are at the same place of a block.
  std::int64_t end(std::int64_t depth, Order order) const {
    const std::int64_t wrapped_end = ring.capacity + depth / 2 + 11;
    const std::int64_t end_slot = wrapped_end - (ring.capacity - kStaying);
    if (order == in_order) return depth;
    if (order == before_wrap) return end_slot + (ring.capacity - end_slot) / kKvBlock * kKvBlock;
    return wrapped_end;
  }
};

// Contexts of about `depth` keys whose ends are spread over a block, another for every two passes: those that are compared
// have as many keys.
class ContextsInTurn {
 public:
  ContextsInTurn(const AttentionSpec& spec, std::int64_t rows, std::int64_t depth, KeysInRing::Order order)
      : slots_(KeysInRing::has_gap(order) ? depth / 3 * 4 / kKvBlock * kKvBlock : depth) {
    for (std::int64_t less = 0; less < kKvBlock; less += kKvBlock / kContexts)
      keys_.emplace_back(spec, rows, depth - less, slots_, order);
  }

  const KeysInRing& get(std::size_t pass) const { return keys_[pass / 2 % keys_.size()]; }
  std::int64_t blocks() const { return (slots_ + kKvBlock - 1) / kKvBlock; }
  static double mean_depth(std::int64_t depth) {
    return static_cast<double>(depth) - (kKvBlock - kKvBlock / kContexts) / 2.0;
  }

 private:
  static constexpr std::int64_t kContexts = 8;

  std::int64_t slots_;
  std::vector<KeysInRing> keys_;
};

// The last `rows` rows of `depth`.
class AttentionRun {
 public:
  AttentionRun(const AttentionSpec& spec, std::int64_t rows, std::int64_t depth, KeysInRing::Order order)
      : heads_(spec.heads),
        rows_(rows),
        depth_(ContextsInTurn::mean_depth(depth)),
        contexts_(spec, rows, depth, order),
        slopes_(static_cast<std::size_t>(heads_.query_heads), 0.01f),
        rows_per_call_(attention_rows_per_call(spec)),
        entry_(Machine::get().resolve(spec, emit_attention)),
        scratch_bytes_((attention_scratch_bytes(spec) + 4095) / 4096 * 4096),
        scratch_(scratch_bytes_ * static_cast<std::size_t>(Machine::get().threads()), "scratch"),
        query_(random_floats(static_cast<std::size_t>(rows * query_stride()))),
        output_(static_cast<std::size_t>(rows * output_stride())),
        caches_(static_cast<std::size_t>(contexts_.blocks() * heads_.layer_block_bytes()),
                cache_pattern(heads_)) {
    for (std::size_t pass = 0; pass < caches_.size(); ++pass)
      for (std::int64_t block = 0; block < contexts_.blocks(); ++block)
        tables_.push_back(caches_[pass] + block * heads_.layer_block_bytes());
  }

  // (KV head, part of its query heads, block of rows) items in turn, a head's longest first: as even as when they are
  // taken as threads come free.
  void run(int thread, std::size_t pass) {
    const int threads = Machine::get().threads();
    const std::int64_t row_blocks = (rows_ + rows_per_call_ - 1) / rows_per_call_;
    const std::int64_t items_whole = heads_.kv_heads * row_blocks;
    const std::int64_t cuts =
        std::min<std::int64_t>(heads_.group(), (threads + items_whole - 1) / items_whole);
    const std::int64_t columns = heads_.kv_heads * cuts;
    for (std::int64_t item = thread; item < columns * row_blocks; item += threads) {
      const std::int64_t column = item / row_blocks;
      const std::int64_t group = column / cuts * heads_.group();
      attend(thread, pass, group + heads_.group() * (column % cuts) / cuts,
             group + heads_.group() * (column % cuts + 1) / cuts, row_blocks - 1 - item % row_blocks);
    }
  }

  // Of the cache, up to the last position.
  double bytes() const {
    return static_cast<double>(heads_.kv_heads) * heads_.kv_block_bytes() * depth_ / kKvBlock;
  }
  // Dot products and weighted sums over the positions each row may see.
  double macs() const {
    const double positions = static_cast<double>(rows_) * (2 * depth_ - static_cast<double>(rows_) + 1) / 2;
    return 1.0 * heads_.query_heads * (heads_.head_size + heads_.value_width()) * positions;
  }

 private:
  std::int64_t query_stride() const { return std::int64_t{heads_.query_heads} * heads_.query_head_columns(); }
  std::int64_t output_stride() const { return std::int64_t{heads_.query_heads} * heads_.value_width(); }

  // Query heads [head, last_head) of one KV head.
  void attend(int thread, std::size_t pass, std::int64_t head, std::int64_t last_head,
              std::int64_t row_block) {
    const std::int64_t first = row_block * rows_per_call_;
    AttentionArguments arguments;
    arguments.query = query_.data() + first * query_stride() + head * heads_.query_head_columns();
    arguments.output = output_.data() + first * output_stride() + head * heads_.value_width();
    arguments.heads = last_head - head;
    arguments.blocks = tables_.data() + pass % caches_.size() * static_cast<std::size_t>(contexts_.blocks());
    arguments.head_offset = head / heads_.group() * heads_.kv_block_bytes();
    const KeysInRing& keys = contexts_.get(pass);
    arguments.spans = keys.spans.get().data();
    arguments.span_count = static_cast<std::int64_t>(keys.spans.get().size());
    arguments.slopes = slopes_.data() + head;
    arguments.scratch = scratch_.data() + scratch_bytes_ * static_cast<std::size_t>(thread);
    arguments.query_stride = query_stride();
    arguments.output_stride = output_stride();
    arguments.position = keys.position + first;
    arguments.rows = std::min<std::int64_t>(rows_per_call_, rows_ - first);
    arguments.scale = 0.088f;
    entry_(&arguments);
  }

  HeadLayout heads_;
  std::int64_t rows_;
  double depth_;  // mean
  ContextsInTurn contexts_;
  std::vector<float> slopes_;
  std::int64_t rows_per_call_;
  jit::KernelEntry entry_;
  std::size_t scratch_bytes_;
  runtime::HugeBuffer scratch_;
  std::vector<float> query_;
  std::vector<float> output_;
  ColdCopies caches_;
  std::vector<const std::byte*> tables_;  // of the copies, one behind the other
};

void attention_row(benchmark::State& state, const AttentionSpec& spec) {
  const std::int64_t rows = state.range(0);
  const auto order = static_cast<KeysInRing::Order>(state.range(2));
  AttentionRun attention(spec, rows, state.range(1), order);
  const auto run = [&](int thread, std::size_t pass) { attention.run(thread, pass); };
  const bool decode = rows == 1;
  run_row(state, decode ? Limit::read : Limit::dot, decode ? attention.bytes() : attention.macs(), run);
  const auto time_to = [&](KeysInRing::Order other_order) {
    AttentionRun other(spec, rows, state.range(1), other_order);
    return time_ratio(run, [&](int thread, std::size_t pass) { other.run(thread, pass); });
  };
  if (order != KeysInRing::in_order) state.counters["to_in_order"] = time_to(KeysInRing::in_order);
  if (order == KeysInRing::with_gap) state.counters["to_before_wrap"] = time_to(KeysInRing::before_wrap);
}

}  // namespace

void add_attention_rows() {
  const auto fast = [](KvStorage kv) { return fastest_attention_math(kv, Machine::get().target()); };
  std::vector<AttentionSpec> specs = {
      {{32, 32, 128, KvStorage::bf16}, fast(KvStorage::bf16)},
      {{32, 8, 128, KvStorage::bf16}, fast(KvStorage::bf16)},
      {{32, 32, 128, KvStorage::int8}, fast(KvStorage::int8)},
      {{32, 8, 128, KvStorage::int8}, fast(KvStorage::int8)},
      {{32, 32, 128, KvStorage::f16}, AttentionMath::f32},
      {{32, 8, 128, KvStorage::f16}, AttentionMath::f32},
      {{32, 32, 128, KvStorage::f32}, AttentionMath::f32},
      // BLOOM-7B
      {{32, 32, 128, KvStorage::bf16},
       fast(KvStorage::bf16),
       /*window=*/0,
       /*soft_cap=*/false,
       /*alibi=*/true},
      // DeepSeek-V2-Lite
      {{16, 1, 576, KvStorage::bf16, 512}, fast(KvStorage::bf16)},
  };
  if (Machine::get().target().has(jit::Feature::amx_bf16))
    for (const int kv_heads : {32, 8})
      specs.push_back({{32, kv_heads, 128, KvStorage::bf16}, AttentionMath::amx});
  for (const AttentionSpec& spec : specs)
    add_row(spec, [spec](benchmark::State& state) { attention_row(state, spec); })
        ->ArgNames({"rows", "depth", "wrapped"})
        ->Args({1, 512, 0})
        ->Args({1, 2048, 0})
        ->Args({1, 2048, 1})
        ->Args({1, 2048, 2})
        ->Args({1, 4096, 0})
        ->Args({1, 4096, 1})
        ->Args({1, 4096, 2})
        ->Args({512, 512, 0})
        ->Args({512, 2048, 0})
        ->Args({512, 2048, 1})
        ->Args({512, 2048, 2});
}

}  // namespace burin::bench
