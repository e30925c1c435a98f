#include "templates/formats/tables.hpp"

#include <iterator>
#include <numeric>
#include <tuple>
#include <vector>

namespace burin::kernels {
namespace {

// The codes of a table by value, and where the values of neighbours part.
struct SortedTable {
  explicit SortedTable(const ValueTable& table) : size(table.size()) {
    const auto value_of = [&](int code) { return table.values[static_cast<std::size_t>(code)]; };
    std::iota(codes.begin(), codes.end(), 0);
    // Of two zeros, the first code is that of positive values and zero itself.
    std::sort(codes.begin(), codes.begin() + size,
              [&](int x, int y) { return std::tuple(value_of(x), y) < std::tuple(value_of(y), x); });
    for (std::size_t i = 0; i + 1 < static_cast<std::size_t>(size); ++i)
      middles[i] = (value_of(codes[i]) + value_of(codes[i + 1])) / 2;
  }

  int size;
  std::array<int, 16> codes{};
  std::array<float, 15> middles{};
};

}  // namespace

int nearest_code(TableName name, float value) {
  static const std::vector<SortedTable> tables(std::begin(kValueTables), std::end(kValueTables));
  const SortedTable& table = tables[static_cast<std::size_t>(name)];
  const auto end = table.middles.begin() + (table.size - 1);
  const auto at = std::upper_bound(table.middles.begin(), end, value);
  return table.codes[static_cast<std::size_t>(at - table.middles.begin())];
}

}  // namespace burin::kernels
