#include "runtime/files/quantised/nvfp4.hpp"

#include <cmath>
#include <cstring>

#include "jit/error.hpp"
#include "runtime/files/quantised/code_pairs.hpp"
#include "templates/formats/tables.hpp"

namespace burin::runtime::quantised {
namespace {

constexpr std::int64_t kGroup = 16;

class Nvfp4Matrix final : public kernels::CodedMatrix {
 public:
  // `factor` is of all scales.
  Nvfp4Matrix(std::int64_t inputs, const StoredTensor& codes, const StoredTensor& scales, float factor)
      : CodedMatrix(
            kernels::WeightFormat::table_format(kernels::TableName::e2m1, kGroup, kernels::ScaleType::e4m3),
            inputs),
        codes_(codes),
        scales_(scales),
        factor_(factor) {}

  kernels::QuantizedGroup read_group(std::int64_t row, std::int64_t first,
                                     std::span<std::uint8_t> codes) const override {
    const std::int64_t start = row * inputs() + first;
    for (std::size_t i = 0; i < codes.size(); ++i) {
      const auto byte = std::to_integer<unsigned>(codes_.data[static_cast<std::size_t>(start) / 2 + i / 2]);
      codes[i] = static_cast<std::uint8_t>(i % 2 == 0 ? byte & 15 : byte >> 4);
    }
    const auto scale = std::to_integer<std::uint32_t>(scales_.data[static_cast<std::size_t>(start / kGroup)]);
    if (!kernels::kE4m3.is_number(scale))
      fail("tensor {}: scale of output {}, inputs from {} is nan: must be finite",
           printable(scales_.description->name), row, first);
    return {scale, 0};
  }

  float row_factor(std::int64_t) const override { return factor_; }

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
  const float factor = divides ? 1 / number : number;
  const float largest = kernels::value_table(kernels::TableName::e2m1).largest() * kernels::kE4m3.largest;
  if (!std::isfinite(number) || number <= 0 || !std::isfinite(factor * largest))
    checkpoint.refuse(name, fmt::format("is {}: must be positive, and weights under it finite", number));
  return factor;
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
