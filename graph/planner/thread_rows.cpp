#include "graph/planner/thread_rows.hpp"

#include <map>
#include <set>

namespace burin::graph {
namespace {

// Whether each thread should do all of the step for itself.
bool is_small(const Step& step) {
  return std::holds_alternative<kernels::RowwiseSpec>(step.spec) ||
         std::holds_alternative<kernels::RouteSpec>(step.spec) || step.split == Split::everything;
}

// Gives small steps rows of the threads' own.
class OwnRows {
 public:
  explicit OwnRows(Plan& plan) : plan_(plan) {}

  void rewrite() {
    const std::set<std::size_t> shared = steps_that_others_read();
    for (std::size_t i = 0; i < plan_.decode.size(); ++i) {
      Step& step = plan_.decode[i];
      const int written = step.output;
      for (int* buffer : {&step.input, &step.residual, &step.routes})
        if (const auto own = current_.find(*buffer); own != current_.end()) *buffer = own->second;
      current_.erase(written);
      if (!is_small(step) || shared.contains(i)) continue;
      step.split = Split::everything;
      step.output = current_[written] = own_of(written);
    }
  }

 private:
  // Steps that write what the head programs find in shared rows.
  std::set<std::size_t> steps_that_others_read() const {
    std::set<int> wanted;
    std::set<int> made;
    for (const Step& step : plan_.head_one) {
      for (const int buffer : {step.input, step.residual})
        if (!made.contains(buffer)) wanted.insert(buffer);
      made.insert(step.output);
    }
    std::set<std::size_t> steps;
    for (std::size_t i = plan_.decode.size(); i-- > 0;)
      if (wanted.erase(plan_.decode[i].output) > 0) steps.insert(i);
    return steps;
  }

  int own_of(int shared) {
    const auto known = own_.find(shared);
    if (known != own_.end()) return known->second;
    Buffer buffer = plan_.buffers[static_cast<std::size_t>(shared)];
    buffer.name += " (own)";
    buffer.rows = 1;
    buffer.per_thread = true;
    buffer.offset = plan_.thread_bytes;
    plan_.thread_bytes += (buffer.bytes() + 63) / 64 * 64;
    plan_.buffers.push_back(std::move(buffer));
    return own_[shared] = static_cast<int>(plan_.buffers.size()) - 1;
  }

  Plan& plan_;
  std::map<int, int> own_;      // shared buffer -> the threads' own
  std::map<int, int> current_;  // likewise, for shared buffers whose value is in the own one
};

// Of few KV heads the keys are shared out in parts, and any thread may need any query.
void split_heads(Program& program) {
  for (std::size_t i = 1; i < program.size(); ++i) {
    Step& heads = program[i - 1];
    Step& attention = program[i];
    if (!std::holds_alternative<kernels::AttentionSpec>(attention.spec) ||
        !std::holds_alternative<kernels::HeadsSpec>(heads.spec))
      continue;
    if (attention.part_keys > 0)
      heads.split = Split::everything;
    else
      heads.split = attention.split = Split::heads;
  }
}

// The step that makes the cached row, which has the norm.
void make_latent_rows_everywhere(Program& program) {
  for (Step& step : program)
    if (std::holds_alternative<kernels::LatentSpec>(step.spec) && step.norm >= 0)
      step.split = Split::everything;
}

}  // namespace

void keep_rows_with_threads(Plan& plan) {
  split_heads(plan.decode);
  OwnRows(plan).rewrite();
  make_latent_rows_everywhere(plan.decode);
}

}  // namespace burin::graph
