#include "runtime/files/quantised/group_order.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "jit/error.hpp"

namespace burin::runtime::quantised {

std::vector<std::int32_t> group_order(const Checkpoint& checkpoint, const std::string& tensor,
                                      std::int64_t inputs, std::int64_t group) {
  const StoredTensor stored = checkpoint.require(tensor, {"I32"}, {inputs});
  std::vector<std::int32_t> groups(static_cast<std::size_t>(inputs));
  std::memcpy(groups.data(), stored.data.data(), stored.data.size());
  std::vector<std::int64_t> sizes(static_cast<std::size_t>((inputs + group - 1) / group), 0);
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (groups[i] < 0 || static_cast<std::size_t>(groups[i]) >= sizes.size())
      checkpoint.refuse(tensor, fmt::format("has group {} for input {}: there are groups 0 to {}", groups[i],
                                            i, sizes.size() - 1));
    ++sizes[static_cast<std::size_t>(groups[i])];
  }
  for (std::size_t i = 0; i < sizes.size(); ++i)
    if (const std::int64_t expected = std::min(group, inputs - static_cast<std::int64_t>(i) * group);
        sizes[i] != expected)
      checkpoint.refuse(
          tensor, fmt::format("has {} inputs in group {}: groups of {} are expected", sizes[i], i, expected));
  if (std::is_sorted(groups.begin(), groups.end())) return {};
  std::vector<std::int32_t> order(groups.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
    return groups[static_cast<std::size_t>(a)] < groups[static_cast<std::size_t>(b)];
  });
  return order;
}

}  // namespace burin::runtime::quantised
