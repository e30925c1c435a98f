// What one thread sees of a run: whose rows, where they are, and its part of the work.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "graph/plan.hpp"
#include "runtime/binding.hpp"
#include "runtime/share.hpp"
#include "runtime/workspace.hpp"
#include "templates/heads/kv_arguments.hpp"

namespace burin::runtime {

struct Rows {
  std::int64_t first = 0;  // row of the buffers to start at
  std::int64_t count = 0;
};

struct ThreadView {
  const graph::Plan& plan;
  Workspace& workspace;
  Rows rows;
  int thread = 0;
  int threads = 1;

  float* row(const BoundRows& buffer, std::int64_t index) const {
    std::byte* base = buffer.per_thread ? workspace.own_rows(thread) : workspace.arena();
    const std::int64_t first = buffer.per_thread || buffer.logits ? 0 : rows.first;
    return reinterpret_cast<float*>(base + buffer.offset) + buffer.width * (first + index);
  }

  // The thread's part of a range, of the rows, of the query heads, and of the KV heads.
  Share own(std::int64_t first, std::int64_t last) const { return share_of(first, last, thread, threads); }
  Share own_rows(const BoundStep& step) const {
    return step.split == graph::Split::everything ? Share{0, rows.count} : own(0, rows.count);
  }
  Share own_query_heads() const { return own(0, plan.heads.query_heads); }
  Share own_kv_heads() const {
    const kernels::HeadLayout& heads = plan.heads;
    const std::int64_t unit = heads.heads_of_whole_blocks();
    const Share units = own(0, round_up_quotient(heads.kv_heads, unit));
    return {units.first * unit, std::min<std::int64_t>(units.last * unit, heads.kv_heads)};
  }

  kernels::KvArguments kv(const BoundStep& step) const {
    const float* rotation =
        step.rope < 0 ? nullptr : workspace.rotations[static_cast<std::size_t>(step.rope)].data();
    const KvCache& cache = workspace.kv;
    const int layer = std::max(step.layer, 0);
    return {rotation, workspace.places(layer), cache.layer_offset(layer)};
  }
};

}  // namespace burin::runtime
