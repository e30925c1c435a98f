// bitsandbytes: 8 bits (LLM.int8(), below) and 4 bits (QLoRA). A matrix of 4 bits is one flat sequence of values, row after row, in blocks of B:
//
//   weight                  [n / 2, 1] of U8     two codes a byte, the first in the high nibble
//   weight.absmax           [n / B]              scales: F32, or U8, quantised once more
//   weight.quant_map        [16]                 the values of codes
//   weight.quant_state.bitsandbytes__nf4 (__fp4) JSON: blocksize, shape [N, K], and of the scales nested_blocksize,
//                                                nested_offset
//   weight.nested_absmax, weight.nested_quant_map [256]
//
//   nested scale i = nested_quant_map[absmax[i]] * nested_absmax[i / nested_blocksize] + nested_offset
//
// Source: https://github.com/bitsandbytes-foundation/bitsandbytes (functional.py: QuantState), checked against its files.
#include <bit>
#include <cmath>
#include <numeric>

#include "jit/error.hpp"
#include "runtime/files/json_text.hpp"
#include "runtime/files/quantised/integer_matrix.hpp"
#include "runtime/files/quantised/methods.hpp"

namespace burin::runtime::quantised {
namespace {

constexpr std::int64_t kGroupUnit = 32;
constexpr std::int64_t kLargestSide = std::int64_t{1} << 31;
constexpr std::size_t kLongestName = 120;  // that messages show
constexpr float kSameValue = 1e-6f;
constexpr float kLargestCode = 127;

float float_at(const StoredTensor& tensor, std::int64_t index) {
  float value;
  std::memcpy(&value, tensor.data.data() + index * 4, sizeof(value));
  return value;
}

unsigned byte_at(const StoredTensor& tensor, std::int64_t index) {
  return std::to_integer<unsigned>(tensor.data[static_cast<std::size_t>(index)]);
}

struct BlockScales {
  StoredTensor absmax;
  bool nested = false;
  StoredTensor nested_absmax;
  StoredTensor nested_map;
  std::int64_t nested_block = 1;
  float nested_offset = 0;

  float at(std::int64_t block) const {
    if (!nested) return float_at(absmax, block);
    return float_at(nested_map, byte_at(absmax, block)) * float_at(nested_absmax, block / nested_block) +
           nested_offset;
  }
};

class FourBitMatrix final : public kernels::CodedMatrix {
 public:
  FourBitMatrix(const kernels::WeightFormat& format, std::int64_t inputs, std::int64_t block,
                const StoredTensor& codes, const BlockScales& scales)
      : CodedMatrix(format, inputs), block_(block), codes_(codes), scales_(scales) {}

  kernels::QuantizedGroup read_group(std::int64_t row, std::int64_t first,
                                     std::span<std::uint8_t> codes) const override {
    const std::int64_t start = row * inputs() + first;
    for (std::size_t i = 0; i < codes.size(); ++i) {
      const std::int64_t at = start + static_cast<std::int64_t>(i);
      const unsigned byte = byte_at(codes_, at / 2);
      codes[i] = static_cast<std::uint8_t>(at % 2 == 0 ? byte >> 4 : byte & 15);
    }
    const float scale = scales_.at(start / block_);
    if (!std::isfinite(scale))
      fail("tensor {}: scale of block {} is {}: must be finite", printable(scales_.absmax.description->name),
           start / block_, scale);
    return {std::bit_cast<std::uint32_t>(scale), 0};
  }

 private:
  std::int64_t block_;
  StoredTensor codes_;
  BlockScales scales_;
};

// One layer, whose tensors' names all begin with `weight`.
class Reader {
 public:
  Reader(const Checkpoint& checkpoint, std::string weight, std::string_view type, kernels::TableName table)
      : checkpoint_(checkpoint),
        weight_(std::move(weight)),
        state_name_(fmt::format("{}.quant_state.bitsandbytes__{}", weight_, type)),
        table_(table) {
    const StoredTensor text = checkpoint.require(state_name_, {"U8"});
    state_ = parse_json_object(checkpoint.description().path + ": " + printable(state_name_, kLongestName),
                               {reinterpret_cast<const char*>(text.data.data()), text.data.size()});
  }

  QuantisedMatrix read() {
    const graph::ConfigReader state(checkpoint_.description(), state_,
                                    printable(state_name_, kLongestName) + " ");
    const std::vector<double> shape = state.numbers("shape", 2, 1, static_cast<double>(kLargestSide - 1));
    const auto outputs = static_cast<std::int64_t>(shape[0]);
    const auto inputs = static_cast<std::int64_t>(shape[1]);
    const std::int64_t block = state.integer("blocksize", 2, kLargestSide);
    const std::int64_t count = outputs * inputs;
    const StoredTensor codes = checkpoint_.require(weight_, {"U8"}, {(count + 1) / 2, 1});
    check_values();
    const BlockScales scales = scales_of(state, (count + block - 1) / block);
    const auto format =
        kernels::WeightFormat::table_format(table_, group_of(inputs, block), kernels::ScaleType::f32);
    QuantisedMatrix matrix;
    matrix.name = weight_;
    matrix.shape = {outputs, inputs};
    matrix.slices.push_back(std::make_unique<FourBitMatrix>(format, inputs, block, codes, scales));
    matrix.codes = weight_;
    matrix.others = std::move(used_);
    return matrix;
  }

 private:
  StoredTensor take(std::string_view suffix, std::string_view type, const std::vector<std::int64_t>& shape) {
    used_.push_back(weight_ + std::string(suffix));
    return checkpoint_.require(used_.back(), {type}, shape);
  }

  // Blocks run on from row to row; groups are what rows and blocks have in common.
  int group_of(std::int64_t inputs, std::int64_t block) const {
    const std::int64_t group = std::gcd(inputs, block);
    if (group % kGroupUnit != 0)
      checkpoint_.refuse(weight_, fmt::format("has {} inputs and blocks of {}: both must be multiples of {}",
                                              inputs, block, kGroupUnit));
    return packed_group(group);
  }

  void check_values() {
    const StoredTensor map = take(".quant_map", "F32", {16});
    for (int code = 0; code < 16; ++code) {
      const float expected = kernels::value_table(table_).values[static_cast<std::size_t>(code)];
      if (!(std::fabs(float_at(map, code) - expected) <= kSameValue))
        checkpoint_.refuse(used_.back(), fmt::format("has {} for code {}: {} is {}", float_at(map, code),
                                                     code, kernels::value_table(table_).name, expected));
    }
    used_.push_back(state_name_);
  }

  BlockScales scales_of(const graph::ConfigReader& state, std::int64_t blocks) {
    BlockScales scales;
    scales.nested = state.has("nested_blocksize");
    scales.absmax = take(".absmax", scales.nested ? "U8" : "F32", {blocks});
    if (!scales.nested) return scales;
    scales.nested_block = state.integer("nested_blocksize", 1, kLargestSide);
    scales.nested_offset = static_cast<float>(state.number("nested_offset", -1e30, 1e30));
    scales.nested_absmax =
        take(".nested_absmax", "F32", {(blocks + scales.nested_block - 1) / scales.nested_block});
    scales.nested_map = take(".nested_quant_map", "F32", {256});
    return scales;
  }

  const Checkpoint& checkpoint_;
  std::string weight_;
  std::string state_name_;
  kernels::TableName table_;
  nlohmann::json state_;
  std::vector<std::string> used_;
};

// LLM.int8() (Dettmers et al. 2022): LAYER.weight [N, K] of I8 and LAYER.SCB [N], the largest size in each row.
// weight = SCB[n] / 127 * code. Activations are not split into usual ones and outliers: they are not rounded like these.
QuantisedMatrix eight_bits(const Checkpoint& checkpoint, const std::string& layer) {
  IntegerLayout layout = byte_layout(checkpoint, layer);
  const StoredTensor largest = checkpoint.require(layer + ".SCB", {"F32"}, {layout.outputs});
  layout.scales = {largest.data.data(), kernels::ScaleType::f32, 1, 0, kLargestCode};
  std::vector<std::string> others = {layer + ".SCB"};
  if (const std::string name = layer + ".weight_format"; checkpoint.has(name)) {
    const StoredTensor order = checkpoint.require(name, {"U8"});
    if (order.data.size() != 1 || byte_at(order, 0) != 0)
      checkpoint.refuse(name,
                        "is not 0: rows in another order are not supported: save with a newer bitsandbytes");
    others.push_back(name);
  }
  QuantisedMatrix matrix = integer_matrix(checkpoint, std::move(layout));
  matrix.codes = layer + ".weight";
  matrix.others = std::move(others);
  return matrix;
}

}  // namespace

std::vector<QuantisedMatrix> read_bitsandbytes(const Checkpoint& checkpoint) {
  std::vector<QuantisedMatrix> matrices;
  for (const std::string& layer : checkpoint.layers_with(".SCB"))
    matrices.push_back(eight_bits(checkpoint, layer));
  for (const auto& [type, table] :
       {std::pair("nf4", kernels::TableName::nf4), std::pair("fp4", kernels::TableName::fp4)})
    for (std::string& weight : checkpoint.layers_with(fmt::format(".quant_state.bitsandbytes__{}", type)))
      matrices.push_back(Reader(checkpoint, std::move(weight), type, table).read());
  return matrices;
}

}  // namespace burin::runtime::quantised
