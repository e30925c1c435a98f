#include "runtime/files/quantised/nvfp4.hpp"

#include <cmath>
#include <cstring>

#include "jit/error.hpp"
#include "runtime/files/quantised/code_pairs.hpp"
#include "runtime/files/quantised/fp8.hpp"
#include "templates/formats/tables.hpp"

namespace burin::runtime::quantised {
namespace {

constexpr std::int64_t kGroup = 16;

class Nvfp4Matrix final : public kernels::CodedMatrix {
 public:
  // `factor` is of all scales.
  Nvfp4Matrix(std::int64_t inputs, const StoredTensor& codes, const StoredTensor& scales, float factor)
      : CodedMatrix(kernels::WeightFormat::float_format(kernels::WeightKind::f32), inputs),
        codes_(codes),
        scales_(scales),
        factor_(factor) {}

  kernels::QuantizedGroup read_group(std::int64_t, std::int64_t, std::span<std::uint8_t>) const override {
    fail("tensor {}: is held as f32, which has no codes", printable(codes_.description->name));
  }

  void read_values(std::int64_t row, std::int64_t first, std::span<float> values) const override {
    const kernels::ValueTable& table = kernels::value_table(kernels::TableName::e2m1);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::int64_t at = row * inputs() + first + static_cast<std::int64_t>(i);
      const auto byte = std::to_integer<unsigned>(codes_.data[static_cast<std::size_t>(at / 2)]);
      const auto scale = std::to_integer<unsigned>(scales_.data[static_cast<std::size_t>(at / kGroup)]);
      values[i] = table.values[at % 2 == 0 ? byte & 15 : byte >> 4] * (e4m3_value(scale) * factor_);
      if (!std::isfinite(values[i]))
        fail("tensor {}: output {}, input {} is {}: must be finite", printable(scales_.description->name),
             row, at - row * inputs(), values[i]);
    }
  }

 private:
  StoredTensor codes_;
  StoredTensor scales_;
  float factor_;
};

float whole_factor(const Checkpoint& checkpoint, const std::string& name, bool divides) {
  const StoredTensor stored = checkpoint.require(name, {"F32"});
  if (stored.data.size() != sizeof(float)) checkpoint.refuse(name, "must be a single number");
  float number;
  std::memcpy(&number, stored.data.data(), sizeof(number));
  if (!std::isfinite(number) || number <= 0)
    checkpoint.refuse(name, fmt::format("is {}: must be positive and finite", number));
  return divides ? 1 / number : number;
}

}  // namespace

QuantisedMatrix nvfp4_matrix(const Checkpoint& checkpoint, const std::string& layer,
                             const Nvfp4Names& names) {
  QuantisedMatrix matrix;
  matrix.name = layer + ".weight";
  matrix.type_name = "NVFP4";
  matrix.codes = layer + std::string(names.codes);
  matrix.others = {layer + std::string(names.scales), layer + std::string(names.whole)};
  const CodePairs pairs = require_code_pairs(checkpoint, matrix, "F8_E4M3", kGroup);
  matrix.slices.push_back(std::make_unique<Nvfp4Matrix>(
      matrix.shape[1], pairs.codes, pairs.scales, whole_factor(checkpoint, matrix.others[1], names.divides)));
  return matrix;
}

}  // namespace burin::runtime::quantised
