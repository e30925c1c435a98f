#include "graph/draw/data_flow.hpp"

#include <algorithm>
#include <map>

namespace burin::graph::draw {
namespace {

// Many rows are multiplied as a step before has prepared them.
bool reads_prepared_rows(const Step& step) {
  const auto* gemm = std::get_if<kernels::GemmSpec>(&step.spec);
  return gemm != nullptr && gemm->regime == kernels::GemmRegime::tiles;
}

std::vector<int> read_by(const Step& step) {
  std::vector<int> buffers;
  if (reads_prepared_rows(step))
    buffers.push_back(kPreparedRows);
  else if (step.input >= 0)
    buffers.push_back(step.input);
  if (step.residual >= 0 && step.residual != step.input) buffers.push_back(step.residual);
  if (step.routes >= 0) buffers.push_back(step.routes);
  return buffers;
}

class Analysis {
 public:
  explicit Analysis(const std::vector<const Step*>& steps) : steps_(steps) {
    for (std::size_t i = 0; i < steps.size(); ++i) {
      for (const int buffer : read_by(*steps[i])) contents_[current(buffer)].readers.push_back(i);
      write(steps[i]->output >= 0 ? steps[i]->output : kPreparedRows, i);
    }
    std::stable_sort(contents_.begin(), contents_.end(),
                     [](const Content& a, const Content& b) { return a.first_written < b.first_written; });
  }

  std::vector<Content> take() { return std::move(contents_); }

 private:
  std::size_t current(int buffer) {
    const auto [at, is_new] = current_.try_emplace(buffer, contents_.size());
    if (is_new) contents_.push_back({buffer, kBefore, kBefore, {}});
    return at->second;
  }

  void write(int buffer, std::size_t step) {
    const auto index = static_cast<std::ptrdiff_t>(step);
    if (const auto at = current_.find(buffer); at != current_.end()) {
      Content& known = contents_[at->second];
      const bool continued =
          known.writer >= 0 && steps_[static_cast<std::size_t>(known.writer)]->name == steps_[step]->name;
      if (continued) {
        known.writer = index;
        return;
      }
    }
    current_[buffer] = contents_.size();
    contents_.push_back({buffer, index, index, {}});
  }

  const std::vector<const Step*>& steps_;
  std::vector<Content> contents_;
  std::map<int, std::size_t> current_;  // buffer -> index into contents_
};

}  // namespace

std::vector<Content> contents_of(const std::vector<const Step*>& steps) { return Analysis(steps).take(); }

std::uint64_t bytes_of(const Plan& plan, const Content& content, const Step* writer, std::int64_t rows) {
  const auto count = static_cast<std::uint64_t>(rows);
  if (content.buffer >= 0)
    return static_cast<std::uint64_t>(plan.buffers[static_cast<std::size_t>(content.buffer)].width) *
           sizeof(float) * count;
  return writer == nullptr ? 0 : traffic_of(plan, *writer, 0).written * count;
}

std::string name_of(const Plan& plan, const Content& content) {
  return content.buffer >= 0 ? plan.buffers[static_cast<std::size_t>(content.buffer)].name : "prepared rows";
}

std::vector<const Step*> pointers_to(const Program& program) {
  std::vector<const Step*> steps;
  for (const Step& step : program) steps.push_back(&step);
  return steps;
}

}  // namespace burin::graph::draw
