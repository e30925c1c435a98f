// Layers of quant_method "fp8" (DeepSeek-V3, Qwen 3, ...) and "fbgemm_fp8":
//
//   weight            [N, K] of F8_E4M3
//   weight_scale_inv  [N / 128, K / 128]      what weights are multiplied with, whatever its name
//   weight_scale      [], [1], [N] or [N, 1]
#include "runtime/files/quantised/fp8.hpp"

#include <cmath>

#include "jit/error.hpp"
#include "runtime/files/quantised/integer_matrix.hpp"
#include "runtime/files/quantised/methods.hpp"
#include "templates/formats/float16.hpp"

namespace burin::runtime::quantised {
namespace {

// Both are f16 with fewer bits: E5M2 its upper half, E4M3 one whose exponent has another bias.
float e5m2_value(unsigned code) { return kernels::f16_to_f32(static_cast<std::uint16_t>(code << 8)); }

// Scales of blocks of outputs and inputs.
struct BlockScales {
  GroupScales scales;
  std::int64_t outputs = 1;  // of a block
  std::int64_t inputs = 1;

  float at(std::int64_t output, std::int64_t input) const {
    return kernels::scale_value(scales.type, scales.bits_at(output / outputs, input / inputs));
  }
};

class Fp8Matrix final : public kernels::CodedMatrix {
 public:
  Fp8Matrix(const StoredTensor& weight, const BlockScales& scales)
      : CodedMatrix(kernels::WeightFormat::float_format(kernels::WeightKind::f32), weight.shape()[1]),
        weight_(weight),
        scales_(scales),
        value_of_(weight.type() == "F8_E5M2" ? e5m2_value : e4m3_value) {}

  kernels::QuantizedGroup read_group(std::int64_t, std::int64_t, std::span<std::uint8_t>) const override {
    fail("tensor {}: has no codes", printable(weight_.description->name));
  }

  void read_values(std::int64_t row, std::int64_t first, std::span<float> values) const override {
    const std::byte* codes = weight_.data.data() + row * inputs() + first;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::int64_t input = first + static_cast<std::int64_t>(i);
      values[i] = value_of_(std::to_integer<unsigned>(codes[i])) * scales_.at(row, input);
      if (!std::isfinite(values[i]))
        fail("tensor {}: output {}, input {} is {}: must be finite", printable(weight_.description->name),
             row, input, values[i]);
    }
  }

 private:
  StoredTensor weight_;
  BlockScales scales_;
  float (*value_of_)(unsigned code);
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

float e4m3_value(unsigned code) {
  if ((code & 0x7f) == 0x7f) return NAN;
  return kernels::f16_to_f32(static_cast<std::uint16_t>((code & 0x80) << 8 | (code & 0x7f) << 7)) * 256.0f;
}

QuantisedMatrix fp8_matrix(const Checkpoint& checkpoint, const std::string& layer, std::string_view scales) {
  QuantisedMatrix matrix;
  matrix.name = layer + ".weight";
  matrix.codes = matrix.name;
  matrix.others = {layer + std::string(scales)};
  const StoredTensor weight = checkpoint.require_matrix(matrix.name, {"F8_E4M3", "F8_E5M2"});
  matrix.shape = weight.shape();
  matrix.slices.push_back(
      std::make_unique<Fp8Matrix>(weight, block_scales(checkpoint, matrix.others[0], weight.shape())));
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
