#include "templates/formats/coded_matrix.hpp"

#include <algorithm>
#include <vector>

namespace burin::kernels {

void CodedMatrix::read_values(std::int64_t row, std::int64_t first, std::span<float> values) const {
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(format_.group));
  std::int64_t input = first;
  const std::int64_t end = first + static_cast<std::int64_t>(values.size());
  while (input < end) {
    const std::int64_t begin = input / format_.group * format_.group;
    const std::int64_t group_end = std::min<std::int64_t>(begin + format_.group, inputs_);
    const QuantizedGroup group =
        read_group(row, begin, std::span(codes).first(static_cast<std::size_t>(group_end - begin)));
    const float scale = scale_value(format_.scale, group.scale);
    const float minimum = format_.symmetric ? 0.0f : scale_value(format_.scale, group.minimum);
    for (; input < std::min(end, group_end); ++input)
      values[static_cast<std::size_t>(input - first)] =
          format_.code_value(codes[static_cast<std::size_t>(input - begin)]) * scale + minimum;
  }
}

}  // namespace burin::kernels
