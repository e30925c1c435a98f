// Vectors (norm weights, biases, slopes, sinks) in the order kernels want them; equal ones are kept once.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "graph/planner/plan_draft.hpp"

namespace burin::graph {

class VectorTable {
 public:
  explicit VectorTable(PlanDraft& draft) : draft_(draft) {}

  // Each returns an index into Plan::vectors.
  int stored(const std::string& tensor, std::int64_t padded, float offset = 0,
             std::span<const std::int32_t> order = {});
  int zeros(std::int64_t padded);
  // ALiBi slopes and attention sinks per query head; -1 where the attention has none.
  int slopes(const AttentionAttributes& attention);
  int sinks(const AttentionAttributes& attention);

  // Sets weight, bias and epsilon of a norm over rows of the buffer `input`, or over `padded` floats.
  // Rows are put in the step's order before.
  void set_norm(Step& step, const NormAttributes& norm, int input);
  void set_norm_of_part(Step& step, const NormAttributes& norm, std::int64_t padded);
  // Likewise of Q and K, in the order of the merged columns.
  void set_head_norms(Step& step, const HeadsAttributes& heads);

 private:
  int add(PaddedVector vector);
  int query_and_key(const HeadsAttributes& heads, const std::vector<std::string>& query,
                    const std::vector<std::string>& key, float offset);
  std::int64_t normed_columns() const;

  PlanDraft& draft_;
};

}  // namespace burin::graph
