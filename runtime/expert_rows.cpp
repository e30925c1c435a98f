#include "runtime/expert_rows.hpp"

#include <algorithm>
#include <cstring>

namespace burin::runtime {

std::int32_t Routes::expert(std::int64_t row, std::int64_t choice) const {
  std::int32_t expert;  // an integer among floats
  std::memcpy(&expert, first + row * stride + choice, sizeof(expert));
  return expert;
}

ExpertRows::ExpertRows(std::int64_t experts, std::int64_t places)
    : first_(static_cast<std::size_t>(experts) + 1, 0),
      rows_(static_cast<std::size_t>(places)),
      weights_(static_cast<std::size_t>(places)) {}

// Counting sort: first_[e] is a count, then the end of expert e - 1, and grows to that of e as places are taken.
void ExpertRows::sort(const Routes& routes, std::int64_t rows) {
  std::fill(first_.begin(), first_.end(), 0);
  const auto each = [&](const auto& visit) {
    for (std::int64_t row = 0; row < rows; ++row)
      for (std::int64_t choice = 0; choice < routes.used; ++choice)
        visit(row, choice, static_cast<std::size_t>(routes.expert(row, choice)));
  };
  each([&](std::int64_t, std::int64_t, std::size_t expert) { ++first_[expert]; });
  std::int64_t place = 0;
  for (std::int64_t& first : first_) {
    const std::int64_t count = first;
    first = place;
    place += count;
  }
  each([&](std::int64_t row, std::int64_t choice, std::size_t expert) {
    const auto taken = static_cast<std::size_t>(first_[expert]++);
    rows_[taken] = static_cast<std::int32_t>(row);
    weights_[taken] = *routes.weight(row, choice);
  });
  // Each is now where the next expert's began.
  std::copy_backward(first_.begin(), first_.end() - 1, first_.end());
  first_.front() = 0;
}

}  // namespace burin::runtime
