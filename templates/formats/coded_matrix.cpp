#include "templates/formats/coded_matrix.hpp"

#include <algorithm>
#include <vector>

namespace burin::kernels {

void CodedMatrix::read_values(std::int64_t row, std::int64_t first, std::span<float> values) const {
  const std::int64_t group = format_.is_whole_row() ? inputs_ : format_.group;
  const std::int64_t end = first + static_cast<std::int64_t>(values.size());
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(std::min(group, end - first)));
  for (std::int64_t input = first; input < end;) {
    const std::int64_t count = std::min((input / group + 1) * group, end) - input;
    const QuantizedGroup numbers =
        read_group(row, input, std::span(codes).first(static_cast<std::size_t>(count)));
    const float scale = scale_value(format_.scale, numbers.scale) * row_factor(row);
    const float minimum = format_.symmetric ? 0.0f : scale_value(format_.scale, numbers.minimum);
    for (std::int64_t i = 0; i < count; ++i, ++input)
      values[static_cast<std::size_t>(input - first)] =
          format_.code_value(codes[static_cast<std::size_t>(i)]) * scale + minimum;
  }
}

}  // namespace burin::kernels
