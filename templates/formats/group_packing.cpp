#include "templates/formats/group_packing.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "jit/error.hpp"
#include "templates/formats/stored_blocks.hpp"

namespace burin::kernels {
namespace {

constexpr int kSmallestGroup = 16;

}  // namespace

GroupLayout::GroupLayout(const WeightFormat& format, std::int64_t row_inputs)
    : format_(format),
      group_(format.is_whole_row() ? (row_inputs + kStep - 1) / kStep * kStep : format.group),
      inputs_(std::max<std::int64_t>(group_, kStep)) {
  if (group_ != kSmallestGroup && (group_ < kStep || group_ % kStep != 0))
    fail("weights {}: groups of {} are not supported: use 16, a multiple of 32, or the whole row",
         to_text(format), group_);
}

float GroupLayout::value(const std::byte* unit, int input, int column, float factor) const {
  const int code = load_code(format_, unit + codes(input / kStep), input % kStep, column);
  const auto scale_at = [&](int array) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, unit + scale(array, static_cast<int>(input / group_), column),
                static_cast<std::size_t>(bytes_of(format_.scale)));
    return scale_value(format_.scale, bits);
  };
  const float scale_of_code = scale_at(0) * factor;
  if (format_.symmetric) return format_.code_value(code) * scale_of_code;
  return std::fma(format_.code_value(code), scale_of_code, scale_at(1));  // as kernels do
}

GroupPacker::GroupPacker(const WeightFormat& format, std::int64_t inputs,
                         std::span<const StoredMatrix> matrices)
    : format_(format),
      layout_(format, inputs),
      inputs_(inputs),
      matrices_(matrices),
      codes_(static_cast<std::size_t>(kBlockColumns * layout_.inputs())),
      values_(static_cast<std::size_t>(layout_.group_inputs())),
      groups_(static_cast<std::size_t>(layout_.groups())) {}

void GroupPacker::start_block(std::span<const ColumnSource> columns, std::byte* factors) {
  if (!format_.has_factors()) return;
  std::transform(columns.begin(), columns.end(), factors_.begin(),
                 [this](const ColumnSource& source) { return factor_of(source); });
  std::memcpy(factors, factors_.data(), sizeof(factors_));
}

// Stored, or what makes the column's largest scale the largest there is.
float GroupPacker::factor_of(const ColumnSource& source) {
  if (source.row < 0) return 1;
  const StoredMatrix& matrix = matrices_[static_cast<std::size_t>(source.matrix)];
  if (natural_format(matrix) == format_) return matrix.coded->row_factor(source.row);
  row_.resize(static_cast<std::size_t>(inputs_));
  stored_row_to_f32(matrix, source.row, row_.data());
  float extreme = 0;
  for (const float value : row_) extreme = std::max(extreme, std::fabs(value));
  const float factor = extreme / (value_table(format_.table).largest() * kE4m3.largest);
  return factor > 0 ? factor : 1;
}

void GroupPacker::pack(std::span<const ColumnSource> columns, std::int64_t first_input, std::byte* out) {
  std::fill(codes_.begin(), codes_.end(), static_cast<std::uint8_t>(format_.zero_code()));
  for (int column = 0; column < kBlockColumns; ++column)
    for (int group = 0; group < layout_.groups(); ++group)
      groups_[static_cast<std::size_t>(group)][static_cast<std::size_t>(column)] =
          read_group(columns[static_cast<std::size_t>(column)], first_input + group * layout_.group_inputs(),
                     column, group_codes(group, column));
  for (std::int64_t step = 0; step < layout_.inputs() / kStep; ++step) {
    ColumnCodes codes;
    for (int column = 0; column < kBlockColumns; ++column)
      codes[static_cast<std::size_t>(column)] = codes_.data() + column * layout_.inputs() + step * kStep;
    store_codes(format_, codes, out + layout_.codes(step));
  }
  store_scales(out);
}

// Codes past the row stay as they are.
QuantizedGroup GroupPacker::read_group(const ColumnSource& source, std::int64_t first_input, int column,
                                       std::span<std::uint8_t> codes) {
  const auto size = static_cast<std::int64_t>(codes.size());
  const std::int64_t count = std::clamp<std::int64_t>(inputs_ - first_input, 0, size);
  if (source.row < 0 || count == 0) return {};
  codes = codes.first(static_cast<std::size_t>(count));
  const StoredMatrix& matrix = matrices_[static_cast<std::size_t>(source.matrix)];
  return natural_format(matrix) == format_ ? move_codes(matrix, source.row, first_input, codes)
                                           : quantize(matrix, source.row, first_input, column, codes);
}

// The stored groups are the packed groups: nothing is lost.
QuantizedGroup GroupPacker::move_codes(const StoredMatrix& matrix, std::int64_t row, std::int64_t first_input,
                                       std::span<std::uint8_t> codes) const {
  if (matrix.coded != nullptr) return matrix.coded->read_group(row, first_input, codes);
  CodeGroup group;
  stored_row(matrix.type).read_group(stored_at(matrix, row, first_input), group);
  std::copy_n(group.codes, codes.size(), codes.begin());
  return {group.scale, group.minimum};
}

QuantizedGroup GroupPacker::quantize(const StoredMatrix& matrix, std::int64_t row, std::int64_t first_input,
                                     int column, std::span<std::uint8_t> codes) {
  floats_.read(matrix, row, first_input, static_cast<std::int64_t>(codes.size()), column, values_.data());
  if (format_.has_factors())
    for (float& value : std::span(values_).first(codes.size()))
      value /= factors_[static_cast<std::size_t>(column)];
  try {
    return quantize_group(format_, std::span(values_).first(codes.size()), codes.data());
  } catch (const Error& error) {
    fail("row {}, inputs from {}: {}", row, first_input, error.what());
  }
}

void GroupPacker::store_scales(std::byte* unit) const {
  // Little endian: a 16-bit scale is the low half.
  const auto bytes = static_cast<std::size_t>(bytes_of(format_.scale));
  for (int group = 0; group < layout_.groups(); ++group)
    for (int column = 0; column < kBlockColumns; ++column) {
      const QuantizedGroup& from = groups_[static_cast<std::size_t>(group)][static_cast<std::size_t>(column)];
      std::memcpy(unit + layout_.scale(0, group, column), &from.scale, bytes);
      if (!format_.symmetric) std::memcpy(unit + layout_.scale(1, group, column), &from.minimum, bytes);
    }
}

}  // namespace burin::kernels
