// Layers of quant_method "fp8" (DeepSeek-V3, Qwen 3, ...) and "fbgemm_fp8":
//
//   weight            [N, K] of F8_E4M3
//   weight_scale_inv  [N / 128, K / 128]      what weights are multiplied with, whatever its name
//   weight_scale      [], [1], [N] or [N, 1]
#include "runtime/files/quantised/fp8.hpp"

#include <cmath>
#include <cstring>

#include "jit/error.hpp"
#include "runtime/files/quantised/integer_matrix.hpp"
#include "runtime/files/quantised/methods.hpp"
#include "templates/formats/float8.hpp"

namespace burin::runtime::quantised {
namespace {

// Scales of blocks of outputs and inputs.
struct BlockScales {
  GroupScales scales;
  std::int64_t outputs = 1;  // of a block
  std::int64_t inputs = 1;

  std::uint32_t bits_at(std::int64_t output, std::int64_t input) const {
    return scales.bits_at(output / outputs, input / inputs);
  }
};

class Fp8Matrix final : public kernels::CodedMatrix {
 public:
  Fp8Matrix(const kernels::WeightFormat& format, const StoredTensor& weight, const std::string& scales_name,
            const BlockScales& scales)
      : CodedMatrix(format, weight.shape()[1]), weight_(weight), scales_name_(scales_name), scales_(scales) {}

  kernels::QuantizedGroup read_group(std::int64_t row, std::int64_t first,
                                     std::span<std::uint8_t> codes) const override {
    const kernels::Float8& type = format().float8();
    std::memcpy(codes.data(), weight_.data.data() + row * inputs() + first, codes.size());
    for (std::size_t i = 0; i < codes.size(); ++i)
      if (!type.is_number(codes[i]))
        fail("tensor {}: output {}, input {} is {}: must be finite", printable(weight_.description->name),
             row, first + static_cast<std::int64_t>(i), kernels::float8_to_f32(type, codes[i]));
    const std::uint32_t bits = scales_.bits_at(row, first);
    const float scale = kernels::scale_value(format().scale, bits);
    if (!std::isfinite(scale * type.largest))
      fail(
          "tensor {}: scale of output {}, inputs from {} is {}: must be finite, as its products with weights",
          printable(scales_name_), row, first, scale);
    return {bits, 0};
  }

 private:
  StoredTensor weight_;
  std::string scales_name_;
  BlockScales scales_;
};

BlockScales block_scales(const Checkpoint& checkpoint, const std::string& name,
                         const std::vector<std::int64_t>& shape) {
  const StoredTensor stored = checkpoint.require(name, {"F32", "F16", "BF16"});
  BlockScales scales;
  scales.scales = {stored.data.data(), scale_type(stored), 0, 0};
  scales.outputs = shape[0];
  scales.inputs = shape[1];
  const std::vector<std::int64_t>& found = stored.shape();
  if (found.empty() || found == std::vector<std::int64_t>{1}) return scales;
  if (found == std::vector<std::int64_t>{shape[0]} || found == std::vector<std::int64_t>{shape[0], 1}) {
    scales.outputs = 1;
    scales.scales.output_step = 1;
    return scales;
  }
  const std::vector<double> block =
      checkpoint.config().numbers("weight_block_size", 2, 1, static_cast<double>(1 << 30));
  scales.outputs = static_cast<std::int64_t>(block[0]);
  scales.inputs = static_cast<std::int64_t>(block[1]);
  const std::int64_t columns = (shape[1] + scales.inputs - 1) / scales.inputs;
  checkpoint.require(name, {stored.type()}, {(shape[0] + scales.outputs - 1) / scales.outputs, columns});
  scales.scales.output_step = columns;
  scales.scales.group_step = 1;
  return scales;
}

}  // namespace

QuantisedMatrix fp8_matrix(const Checkpoint& checkpoint, const std::string& layer, std::string_view scales) {
  QuantisedMatrix matrix;
  matrix.name = layer + ".weight";
  matrix.codes = matrix.name;
  matrix.others = {layer + std::string(scales)};
  const StoredTensor weight = checkpoint.require_matrix(matrix.name, {"F8_E4M3", "F8_E5M2"});
  matrix.shape = weight.shape();
  const BlockScales numbers = block_scales(checkpoint, matrix.others[0], weight.shape());
  const auto format = kernels::WeightFormat::fp8_format(
      weight.type() == "F8_E5M2" ? kernels::WeightKind::e5m2 : kernels::WeightKind::e4m3,
      packed_group(checkpoint, layer, numbers.inputs, matrix.shape[1]), numbers.scales.type);
  matrix.slices.push_back(std::make_unique<Fp8Matrix>(format, weight, matrix.others[0], numbers));
  return matrix;
}

std::vector<QuantisedMatrix> read_fp8(const Checkpoint& checkpoint) {
  std::vector<QuantisedMatrix> matrices;
  for (const std::string_view scales : {".weight_scale_inv", ".weight_scale"})
    for (const std::string& layer : checkpoint.layers_with(scales))
      matrices.push_back(fp8_matrix(checkpoint, layer, scales));
  return matrices;
}

}  // namespace burin::runtime::quantised
