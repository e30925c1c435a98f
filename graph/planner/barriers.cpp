// Steps access buffers, the KV cache and the prepared rows. Two accesses conflict where they meet in one place, at
// least one writes, and threads do not each stay within a part that is the same for both:
//
//   gemm writes y by blocks     norm reads y, all of it         conflict
//   norm writes y by rows       prepare reads y by rows         none: a thread reads the rows it has written
//
// A barrier before the step that conflicts with any step since the last barrier is as late as it can be, hence
// they are as few as can be.
#include "graph/planner/barriers.hpp"

#include <algorithm>

namespace burin::graph {
namespace {

enum class Place : std::uint8_t { buffer, kv_cache, prepared_rows };

struct Access {
  Place place = Place::buffer;
  int index = 0;  // of the buffer, or the cache's layer
  bool writes = false;
  Split split = Split::everything;  // on shared memory: every thread accesses all of it
  // Split::blocks: which columns a block stands for.
  std::int64_t first_block = 0;
  std::int64_t last_block = 0;
  std::int64_t columns_per_block = 0;
  // Split::query_heads: where the first head's part begins, how far the others are from it, and where the last ends.
  std::int64_t first_head = 0;
  std::int64_t head_stride = 0;
  std::int64_t last_head_end = 0;
};

std::int64_t columns_per_block(const Step& step) {
  const auto* gemm = std::get_if<kernels::GemmSpec>(&step.spec);
  const bool halves = gemm != nullptr && kernels::halves_columns(gemm->epilogue);
  return halves ? kernels::kBlockColumns / 2 : kernels::kBlockColumns;
}

class Accesses {
 public:
  Accesses(const Plan& plan, const Step& step) : plan_(plan), step_(step) {
    std::visit([&](const auto& spec) { add(spec); }, step.spec);
  }

  const std::vector<Access>& list() const { return list_; }

 private:
  void add(const kernels::EmbedSpec&) { write(step_.output); }
  void add(const kernels::RowwiseSpec&) {
    read(step_.input);
    read(step_.residual);
    write(step_.output);
  }
  void add(const kernels::PrepareSpec&) {
    if (step_.routes < 0)
      read(step_.input);
    else
      touch(Place::buffer, step_.input, false, Split::everything);  // rows in the order of experts
    set_heads(0, step_.head_inputs);
    read_routes();
    touch(Place::prepared_rows, 0, true, step_.split);
    set_heads(0, step_.head_inputs);
  }
  void add(const kernels::RouteSpec&) {
    read(step_.input);
    write(step_.output);
  }
  void add(const kernels::GemmSpec& spec) {
    const bool tiles = spec.regime == kernels::GemmRegime::tiles;
    // A head's outputs are of its own inputs, where it has a matrix of its own.
    const Split read_by = step_.head_outputs > 0 ? step_.split : Split::everything;
    if (tiles)
      touch(Place::prepared_rows, 0, false, read_by);
    else
      touch(Place::buffer, step_.input, false, read_by);
    set_heads(0, step_.head_inputs);
    read(step_.residual);
    read_routes();
    write(step_.output);
    // Within the part of a head: the rest of it is another step's.
    if (step_.head_outputs > 0) set_heads(0, step_.head_outputs);
    if (step_.rotated_block > 0) write_queries();
    if (spec.epilogue == kernels::GemmEpilogue::rope_kv)
      touch(Place::kv_cache, step_.layer, true, step_.split);
  }
  void add(const kernels::HeadsSpec& spec) {
    if (spec.norm == kernels::RowNorm::none && spec.heads.kv != kernels::KvStorage::int8)
      read(step_.input);
    else  // statistics and scales are of more than a block
      touch(Place::buffer, step_.input, false, Split::everything);
    write(step_.output);
    touch(Place::kv_cache, step_.layer, true, step_.split);
  }
  void add(const kernels::LatentSpec& spec) {
    // Statistics are of more than a block.
    touch(Place::buffer, step_.input, false, step_.norm < 0 ? step_.split : Split::everything);
    set_heads(step_.first_input, std::int64_t{spec.rotated_blocks()} * kernels::kBlockColumns);
    write(step_.output);
    set_heads(0, spec.heads.query_head_columns());
    if (step_.norm >= 0) touch(Place::kv_cache, step_.layer, true, step_.split);
  }
  void add(const kernels::AttentionSpec& spec) {
    read(step_.input);
    set_heads(0, spec.heads.query_head_columns());
    write(step_.output);
    set_heads(0, spec.heads.value_width());
    touch(Place::kv_cache, step_.layer, false, step_.split);
  }

  // Plain parts of the heads' queries, and rotated ones behind them.
  void write_queries() {
    set_heads(0, step_.rotated_block / step_.query_heads * kernels::kBlockColumns);
    write(step_.output);
    set_heads(step_.rotated_block * kernels::kBlockColumns,
              (step_.last_block - step_.rotated_block) / step_.query_heads * kernels::kBlockColumns);
  }

  // Of the access that was added last.
  void set_heads(std::int64_t first, std::int64_t stride) {
    if (list_.empty()) return;
    list_.back().first_head = first;
    list_.back().head_stride = stride;
    list_.back().last_head_end = first + plan_.heads.query_heads * stride;
  }
  void read_routes() {
    if (is_shared(step_.routes)) touch(Place::buffer, step_.routes, false, Split::everything);
  }
  void read(int buffer) {
    if (is_shared(buffer)) touch(Place::buffer, buffer, false, step_.split);
  }
  void write(int buffer) {
    if (is_shared(buffer)) touch(Place::buffer, buffer, true, step_.split);
  }
  bool is_shared(int buffer) const {
    return buffer >= 0 && !plan_.buffers[static_cast<std::size_t>(buffer)].per_thread;
  }
  void touch(Place place, int index, bool writes, Split split) {
    Access& access = list_.emplace_back();
    access.place = place;
    access.index = index;
    access.writes = writes;
    access.split = split;
    access.first_block = step_.first_block;
    access.last_block = step_.last_block;
    access.columns_per_block = columns_per_block(step_);
  }

  const Plan& plan_;
  const Step& step_;
  std::vector<Access> list_;
};

bool each_thread_has_its_part(const Access& a, const Access& b) {
  if (a.split != b.split) return false;
  switch (a.split) {
    case Split::rows:
    case Split::heads: return true;
    case Split::query_heads: {
      const bool same = a.first_head == b.first_head && a.head_stride == b.head_stride;
      const bool apart = a.last_head_end <= b.first_head || b.last_head_end <= a.first_head;
      return same || apart;
    }
    case Split::blocks: {
      const bool same = a.first_block == b.first_block && a.last_block == b.last_block;
      const bool apart = a.last_block <= b.first_block || b.last_block <= a.first_block;
      return a.columns_per_block == b.columns_per_block && (same || apart);
    }
    case Split::on_demand:
    case Split::experts:
    case Split::everything: return false;
  }
  return false;
}

bool overlap(const Plan& plan, const Access& a, const Access& b) {
  if (a.place != b.place) return false;
  if (a.place != Place::buffer) return a.index == b.index;
  const Buffer& x = plan.buffers[static_cast<std::size_t>(a.index)];
  const Buffer& y = plan.buffers[static_cast<std::size_t>(b.index)];
  if (x.per_thread || y.per_thread) return false;
  return x.offset < y.offset + y.bytes() && y.offset < x.offset + x.bytes();
}

bool conflict(const Plan& plan, const Access& a, const Access& b) {
  if (!overlap(plan, a, b) || (!a.writes && !b.writes)) return false;
  // What every thread writes, each reader has written itself.
  if (a.writes && a.split == Split::everything && !b.writes) return false;
  return a.index != b.index || !each_thread_has_its_part(a, b);
}

void place_barriers(const Plan& plan, Program& program) {
  std::vector<Access> since;  // the last barrier
  for (std::size_t i = 0; i < program.size(); ++i) {
    const Accesses accesses(plan, program[i]);
    const bool conflicts =
        std::any_of(accesses.list().begin(), accesses.list().end(), [&](const Access& access) {
          return std::any_of(since.begin(), since.end(),
                             [&](const Access& earlier) { return conflict(plan, earlier, access); });
        });
    if (conflicts) {
      program[i - 1].barrier = true;
      since.clear();
    }
    for (const Access& access : accesses.list()) since.push_back(access);
  }
}

}  // namespace

void place_barriers(Plan& plan) {
  for (Program* program : {&plan.decode, &plan.prefill, &plan.head_one, &plan.head_many})
    place_barriers(plan, *program);
}

}  // namespace burin::graph
