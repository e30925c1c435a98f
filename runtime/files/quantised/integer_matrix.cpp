#include "runtime/files/quantised/integer_matrix.hpp"

#include <bit>
#include <cmath>

#include "jit/error.hpp"

namespace burin::runtime::quantised {
namespace {

constexpr std::int64_t kLargestGroup = 1024;
constexpr std::int64_t kGroupUnit = 32;
constexpr std::int64_t kSmallestGroup = 16;

std::int64_t place_of(OutputOrder order, std::int64_t output) {
  if (order == OutputOrder::plain) return output;
  constexpr std::int64_t kPlaces[] = {0, 4, 1, 5, 2, 6, 3, 7};
  return output / 8 * 8 + kPlaces[output % 8];
}

bool is_symmetric(const IntegerLayout& layout) {
  if (!layout.zeros) return true;
  const unsigned middle = 1u << (layout.bits - 1);
  for (std::int64_t group = 0; group < layout.groups(); ++group)
    for (std::int64_t output = 0; output < layout.outputs; ++output)
      if (layout.zeros->at(group, place_of(layout.output_order, output)) != middle) return false;
  return true;
}

class IntegerMatrix final : public kernels::CodedMatrix {
 public:
  IntegerMatrix(const kernels::WeightFormat& format, IntegerLayout layout)
      : CodedMatrix(format, layout.inputs), l_(std::move(layout)) {}

  kernels::QuantizedGroup read_group(std::int64_t row, std::int64_t first,
                                     std::span<std::uint8_t> codes) const override {
    read_codes(row, first, codes);
    const std::int64_t group = first / l_.group;
    const std::uint32_t bits = l_.scales.bits_at(row, group);
    const float scale = kernels::scale_value(l_.scales.type, bits);
    if (!std::isfinite(scale))
      fail("layer {}: scale of output {}, group {} is {}: must be finite", printable(l_.layer), row, group,
           scale);
    if (format().symmetric) return {bits, 0};
    const auto zero = static_cast<float>(l_.zeros->at(group, place_of(l_.output_order, row)));
    return {std::bit_cast<std::uint32_t>(scale), std::bit_cast<std::uint32_t>(-scale * zero)};
  }

 private:
  void read_codes(std::int64_t row, std::int64_t first, std::span<std::uint8_t> codes) const {
    if (!l_.turned && l_.order.empty()) return l_.codes.read(row, first, codes);
    for (std::size_t i = 0; i < codes.size(); ++i) {
      std::int64_t input = first + static_cast<std::int64_t>(i);
      if (!l_.order.empty()) input = l_.order[static_cast<std::size_t>(input)];
      codes[i] = static_cast<std::uint8_t>(l_.turned ? l_.codes.at(input, place_of(l_.output_order, row))
                                                     : l_.codes.at(row, input));
    }
  }

  IntegerLayout l_;
};

}  // namespace

int packed_group(const Checkpoint& checkpoint, const std::string& layer, std::int64_t stored,
                 std::int64_t inputs) {
  if (stored >= inputs) return kernels::kWholeRow;
  if (stored % kSmallestGroup != 0)
    fail("{}: layer {}: groups of {} inputs are not supported: use groups of a multiple of {}",
         checkpoint.description().path, printable(layer), stored, kSmallestGroup);
  return packed_group(stored);
}

int packed_group(std::int64_t stored) {
  if (stored % kGroupUnit != 0) return kSmallestGroup;
  std::int64_t group = std::min(stored, kLargestGroup);
  while (stored % group != 0) group -= kGroupUnit;
  return static_cast<int>(group);
}

std::uint32_t GroupScales::bits_at(std::int64_t output, std::int64_t group) const {
  const int bytes = kernels::bytes_of(type);
  std::uint32_t bits = 0;
  std::memcpy(&bits, data + (output * output_step + group * group_step) * bytes,
              static_cast<std::size_t>(bytes));
  return divisor == 1 ? bits : std::bit_cast<std::uint32_t>(std::bit_cast<float>(bits) / divisor);
}

kernels::ScaleType scale_type(const StoredTensor& scales) {
  if (scales.type() == "F16") return kernels::ScaleType::f16;
  return scales.type() == "BF16" ? kernels::ScaleType::bf16 : kernels::ScaleType::f32;
}

std::int64_t group_of_settings(const Checkpoint& checkpoint, const std::string& layer, std::int64_t stated,
                               std::int64_t inputs) {
  if (stated == -1 || stated >= inputs) return inputs;
  if (stated < 1)
    fail("{}: layer {}: group_size is {}: must be -1 or at least 1", checkpoint.description().path,
         printable(layer), stated);
  return stated;
}

QuantisedMatrix integer_matrix(const Checkpoint& checkpoint, IntegerLayout layout) {
  const int group = packed_group(checkpoint, layout.layer, layout.group, layout.inputs);
  const bool symmetric = is_symmetric(layout);
  const auto format = kernels::WeightFormat::integer_format(
      layout.bits, symmetric, group, symmetric ? layout.scales.type : kernels::ScaleType::f32);
  QuantisedMatrix matrix;
  matrix.name = layout.layer + ".weight";
  matrix.shape = {layout.outputs, layout.inputs};
  matrix.order = layout.order;
  matrix.slices.push_back(std::make_unique<IntegerMatrix>(format, std::move(layout)));
  return matrix;
}

QuantisedMatrix qweight_matrix(const Checkpoint& checkpoint, IntegerLayout layout,
                               std::vector<std::string> others) {
  const std::string layer = layout.layer;
  others.push_back(layer + ".scales");
  const StoredTensor scales =
      checkpoint.require(others.back(), {"F16", "BF16", "F32"}, {layout.groups(), layout.outputs});
  layout.scales = {scales.data.data(), scale_type(scales), 1, layout.outputs};
  QuantisedMatrix matrix = integer_matrix(checkpoint, std::move(layout));
  matrix.codes = layer + ".qweight";
  matrix.others = std::move(others);
  return matrix;
}

IntegerLayout byte_layout(const Checkpoint& checkpoint, const std::string& layer) {
  const std::string name = layer + ".weight";
  const StoredTensor codes = checkpoint.require_matrix(name, {"I8"});
  IntegerLayout layout;
  layout.layer = layer;
  layout.bits = 8;
  layout.outputs = codes.shape()[0];
  layout.inputs = codes.shape()[1];
  if (layout.inputs % 4 != 0)
    checkpoint.refuse(name, fmt::format("has {} inputs: a multiple of 4 is supported", layout.inputs));
  layout.group = layout.inputs;
  layout.codes = {codes.data.data(), 8, layout.inputs};
  layout.codes.added_to_number = 128;  // -128 .. 127 becomes 0 .. 255
  return layout;
}

}  // namespace burin::runtime::quantised
