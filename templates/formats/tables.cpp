#include "templates/formats/tables.hpp"

#include <cmath>
#include <iterator>
#include <numeric>
#include <tuple>
#include <vector>

namespace burin::kernels {
namespace {

// The codes of a table by value, and where the values of neighbours part.
struct SortedTable {
  explicit SortedTable(const ValueTable& table) : size(table.size()) {
    const auto key_of = [&](int code) {  // -0 before 0
      const float value = table.values[static_cast<std::size_t>(code)];
      return std::tuple(value, !std::signbit(value));
    };
    std::iota(codes.begin(), codes.end(), 0);
    std::stable_sort(codes.begin(), codes.begin() + size,
                     [&](int x, int y) { return key_of(x) < key_of(y); });
    for (std::size_t i = 0; i + 1 < static_cast<std::size_t>(size); ++i)
      middles[i] = (std::get<0>(key_of(codes[i])) + std::get<0>(key_of(codes[i + 1]))) / 2;
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
