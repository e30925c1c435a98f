// MXFP4 in both layouts.
#include "runtime/files/quantised/mxfp4.hpp"

#include "jit/error.hpp"
#include "runtime/files/quantised/code_pairs.hpp"
#include "runtime/files/quantised/methods.hpp"

namespace burin::runtime::quantised {
namespace {

constexpr std::int64_t kBlock = 32;
constexpr std::int64_t kBlockBytes = kBlock / 2;
constexpr std::uint8_t kNoNumber = 255;
constexpr std::int64_t kLargestSide = std::int64_t{1} << 30;

class Mxfp4Matrix final : public kernels::CodedMatrix {
 public:
  Mxfp4Matrix(std::string name, std::int64_t inputs, const std::byte* blocks, const std::byte* scales)
      : CodedMatrix(
            kernels::WeightFormat::table_format(kernels::TableName::e2m1, kBlock, kernels::ScaleType::e8m0),
            inputs),
        name_(std::move(name)),
        blocks_(blocks),
        scales_(scales) {}

  kernels::QuantizedGroup read_group(std::int64_t row, std::int64_t first,
                                     std::span<std::uint8_t> codes) const override {
    const std::int64_t block = row * (inputs() / kBlock) + first / kBlock;
    const std::byte* pairs = blocks_ + block * kBlockBytes + first % kBlock / 2;
    for (std::size_t i = 0; i < codes.size(); ++i) {
      const auto byte = std::to_integer<unsigned>(pairs[i / 2]);
      codes[i] = static_cast<std::uint8_t>(i % 2 == 0 ? byte & 15 : byte >> 4);
    }
    const auto scale = std::to_integer<std::uint8_t>(scales_[block]);
    if (scale == kNoNumber)
      fail("tensor {}: output {}, inputs from {}: scale is 255, which is no number", printable(name_), row,
           first);
    return {scale, 0};
  }

 private:
  std::string name_;
  const std::byte* blocks_;
  const std::byte* scales_;
};

// As gpt-oss has it, all experts of a layer in one tensor. Of E experts, N outputs and K inputs:
//
//   NAME_blocks  [E, N, K / 32, 16] of U8    two codes a byte, the first in the low nibble
//   NAME_scales  [E, N, K / 32] of U8        x stands for 2^(x - 127)
//
// Source: OCP Microscaling Formats (MX) Specification; https://github.com/openai/gpt-oss (gpt_oss/torch/weights.py).
QuantisedMatrix stacked(const Checkpoint& checkpoint, const std::string& name) {
  QuantisedMatrix matrix;
  matrix.name = name;
  matrix.codes = name + "_blocks";
  matrix.others = {name + "_scales"};
  const StoredTensor blocks = checkpoint.require(matrix.codes, {"U8"});
  const std::vector<std::int64_t>& shape = blocks.shape();
  if (shape.size() != 4 || shape[3] != kBlockBytes || shape[0] < 1 || shape[1] < 1 || shape[2] < 1 ||
      shape[2] > kLargestSide)
    checkpoint.refuse(matrix.codes, "must have shape [experts, outputs, inputs / 32, 16]");
  const StoredTensor scales = checkpoint.require(matrix.others[0], {"U8"}, {shape[0], shape[1], shape[2]});
  matrix.shape = {shape[0], shape[1], shape[2] * kBlock};
  const std::int64_t slice = shape[1] * shape[2];  // blocks of it
  for (std::int64_t i = 0; i < shape[0]; ++i)
    matrix.slices.push_back(std::make_unique<Mxfp4Matrix>(
        name, matrix.shape[2], blocks.data.data() + i * slice * kBlockBytes, scales.data.data() + i * slice));
  return matrix;
}

}  // namespace

QuantisedMatrix mxfp4_matrix(const Checkpoint& checkpoint, const std::string& layer) {
  QuantisedMatrix matrix;
  matrix.name = layer + ".weight";
  matrix.codes = layer + ".weight_packed";
  matrix.others = {layer + ".weight_scale"};
  const CodePairs pairs = require_code_pairs(checkpoint, matrix, "U8", kBlock);
  matrix.slices.push_back(std::make_unique<Mxfp4Matrix>(matrix.codes, matrix.shape[1],
                                                        pairs.codes.data.data(), pairs.scales.data.data()));
  return matrix;
}

std::vector<QuantisedMatrix> read_mxfp4(const Checkpoint& checkpoint) {
  std::vector<QuantisedMatrix> matrices;
  for (const std::string& name : checkpoint.layers_with("_blocks"))
    matrices.push_back(stacked(checkpoint, name));
  return matrices;
}

}  // namespace burin::runtime::quantised
