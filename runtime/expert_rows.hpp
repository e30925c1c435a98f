// The rows of a chunk sorted by the experts that compute them.
//
//   routes of rows     0: experts 1, 3    1: experts 0, 3    2: experts 1, 2       (templates/route/route_spec.hpp)
//
//   expert         0 | 1     | 2 | 3
//   place          0 | 1   2 | 3 | 4   5
//   row            1 | 0   2 | 2 | 0   1
//
// Each expert's rows are consecutive and ascending, so that it multiplies them as any matrix does its rows.
#pragma once

#include <cstdint>
#include <vector>

namespace burin::runtime {

// Router's choice of consecutive rows.
struct Routes {
  const float* first = nullptr;
  std::int64_t stride = 0;  // floats from row to row
  std::int64_t used = 0;    // experts per row

  std::int32_t expert(std::int64_t row, std::int64_t choice) const;
  const float* weight(std::int64_t row, std::int64_t choice) const {
    return first + row * stride + used + choice;
  }
};

class ExpertRows {
 public:
  // Room for `places`, which are rows times experts per row. 0, 0: of models without experts.
  ExpertRows(std::int64_t experts, std::int64_t places);

  // Sorts `rows` rows. Allocates nothing.
  void sort(const Routes& routes, std::int64_t rows);

  std::int64_t experts() const { return static_cast<std::int64_t>(first_.size()) - 1; }
  std::int64_t places() const { return first_.back(); }
  std::int64_t first_of(std::int64_t expert) const { return first_[static_cast<std::size_t>(expert)]; }
  std::int64_t count_of(std::int64_t expert) const { return first_of(expert + 1) - first_of(expert); }
  const std::int32_t* rows() const { return rows_.data(); }  // by place
  const float* weights() const { return weights_.data(); }   // likewise

 private:
  std::vector<std::int64_t> first_;  // place of each expert's first row; at the end: all places
  std::vector<std::int32_t> rows_;
  std::vector<float> weights_;
};

}  // namespace burin::runtime
