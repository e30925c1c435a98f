// HQQ (half-quadratic quantisation). Of a matrix of N outputs and K inputs whose groups of G inputs, row after row,
// are R = N * K / G rows:
//
//   W_q     [R * bits / 8, G] of U8    2, 4 and 8 bits: rows are dealt out to as many parts as a byte has numbers,
//           [R / 10, G] of I32         the first part in the highest bits; 3 bits: of 30 bits
//   scale   [R, 1]
//   zero    [R, 1]                     no whole numbers
//   shape   [2]: N, K                  nbits, group_size, axis, ... : single numbers
//
//           byte (4 bits)  | row r : 7..4 | row r + R / 2 : 3..0 |
//
//   weight = scale[r] * (code[r][i] - zero[r])
//
// Source: https://github.com/mobiusml/hqq (hqq/core/quantize.py, hqq/core/bitpack.py).
#include <bit>
#include <cmath>
#include <cstring>

#include "jit/error.hpp"
#include "runtime/files/quantised/integer_matrix.hpp"
#include "runtime/files/quantised/methods.hpp"

namespace burin::runtime::quantised {
namespace {

constexpr std::int64_t kLargestSide = std::int64_t{1} << 31;
constexpr std::int64_t kGroupUnit = 32;

// Stored beside the codes, and known from them or of no use here.
constexpr std::string_view kSettings[] = {
    ".axis",          ".channel_wise",
    ".compute_dtype", ".encoded_state_dict",
    ".group_size",    ".nbits",
    ".offload_meta",  ".optimize",
    ".packing",       ".quant_scale",
    ".quant_zero",    ".round_zero",
    ".shape",         ".stores_quant_config",
    ".view_as_float", ".unpack_view_dtype",
};

// Numbers of all groups: rows of codes, dealt out to the parts of words.
struct PackedRows {
  const std::byte* words = nullptr;
  int bits = 4;
  std::int64_t group = 0;  // words in a row
  std::int64_t step = 0;   // rows of words

  int word_bytes() const { return bits == 3 ? 4 : 1; }
  int parts() const { return bits == 3 ? 10 : 8 / bits; }

  std::uint8_t at(std::int64_t row, std::int64_t place) const {
    std::uint32_t word = 0;
    std::memcpy(&word, words + (row % step * group + place) * word_bytes(),
                static_cast<std::size_t>(word_bytes()));
    const int shift = (parts() - 1 - static_cast<int>(row / step)) * bits;
    return static_cast<std::uint8_t>(word >> shift & ((1u << bits) - 1));
  }
};

// Scales or zero points, one per group.
struct GroupNumbers {
  GroupScales numbers;
  std::string tensor;  // for messages

  float at(std::int64_t group) const {
    const float value = kernels::scale_value(numbers.type, numbers.bits_at(group, 0));
    if (!std::isfinite(value))
      fail("tensor {}: number of group {} is {}: must be finite", printable(tensor), group, value);
    return value;
  }
};

class HqqMatrix final : public kernels::CodedMatrix {
 public:
  HqqMatrix(const kernels::WeightFormat& format, std::int64_t inputs, const PackedRows& codes,
            GroupNumbers scales, GroupNumbers zeros)
      : CodedMatrix(format, inputs), codes_(codes), scales_(std::move(scales)), zeros_(std::move(zeros)) {}

  kernels::QuantizedGroup read_group(std::int64_t row, std::int64_t first,
                                     std::span<std::uint8_t> codes) const override {
    const std::int64_t start = row * inputs() + first;
    const std::int64_t group = start / codes_.group;
    for (std::size_t i = 0; i < codes.size(); ++i)
      codes[i] = codes_.at(group, start % codes_.group + static_cast<std::int64_t>(i));
    const float scale = scales_.at(group);
    return {std::bit_cast<std::uint32_t>(scale), std::bit_cast<std::uint32_t>(-scale * zeros_.at(group))};
  }

 private:
  PackedRows codes_;
  GroupNumbers scales_;
  GroupNumbers zeros_;
};

// A layer, and the settings that are stored with it.
class Reader {
 public:
  Reader(const Checkpoint& checkpoint, const std::string& layer) : checkpoint_(checkpoint), layer_(layer) {}

  QuantisedMatrix read() {
    read_settings();
    QuantisedMatrix matrix;
    matrix.name = layer_ + ".weight";
    matrix.shape = {outputs_, inputs_};
    matrix.codes = layer_ + ".W_q";
    const std::int64_t rows = outputs_ * inputs_ / codes_.group;
    read_codes(rows);
    const auto format = kernels::WeightFormat::integer_format(codes_.bits, false, packed_group(codes_.group),
                                                              kernels::ScaleType::f32);
    matrix.slices.push_back(std::make_unique<HqqMatrix>(format, inputs_, codes_, numbers(".scale", rows),
                                                        numbers(".zero", rows)));
    matrix.others = {layer_ + ".scale", layer_ + ".zero"};
    for (const std::string_view setting : kSettings)
      if (const std::string name = layer_ + std::string(setting); checkpoint_.has(name))
        matrix.others.push_back(name);
    return matrix;
  }

 private:
  void read_settings() {
    const std::string shape_name = layer_ + ".shape";
    const StoredTensor shape = checkpoint_.require(shape_name, {"I64", "I32"}, {2});
    outputs_ = integer_at(shape, 0);
    inputs_ = integer_at(shape, 1);
    if (outputs_ < 1 || inputs_ < 1 || outputs_ >= kLargestSide || inputs_ >= kLargestSide)
      checkpoint_.refuse(shape_name, fmt::format("is [{}, {}]: no matrix has it", outputs_, inputs_));
    codes_.bits = static_cast<int>(setting(".nbits"));
    if (codes_.bits != 2 && codes_.bits != 3 && codes_.bits != 4 && codes_.bits != 8)
      refuse(".nbits", codes_.bits, "2, 3, 4 and 8 are");
    if (const std::int64_t axis = setting(".axis"); axis != 1)
      refuse(".axis", axis, "1 is: quantise with axis=1, or use the original model with --weights int4");
    for (const char* name : {".quant_scale", ".quant_zero", ".view_as_float"})
      if (checkpoint_.has(layer_ + name) && setting(name) != 0) refuse(name, setting(name), "false is");
    codes_.group = checkpoint_.has(layer_ + ".group_size") ? setting(".group_size") : inputs_;
    if (codes_.group < 1 || codes_.group % kGroupUnit != 0 || inputs_ % codes_.group != 0)
      refuse(".group_size", codes_.group,
             fmt::format("multiples of {} that divide the {} inputs are", kGroupUnit, inputs_));
  }

  void read_codes(std::int64_t rows) {
    const int parts = codes_.parts();
    codes_.step = (rows + parts - 1) / parts;
    if (codes_.bits != 3 && rows % parts != 0)
      checkpoint_.refuse(layer_ + ".shape",
                         fmt::format("makes {} groups: a multiple of {} is stored", rows, parts));
    const StoredTensor words =
        checkpoint_.require(layer_ + ".W_q", {codes_.bits == 3 ? "I32" : "U8"}, {codes_.step, codes_.group});
    codes_.words = words.data.data();
  }

  GroupNumbers numbers(std::string_view suffix, std::int64_t rows) const {
    const std::string name = layer_ + std::string(suffix);
    const StoredTensor stored = checkpoint_.require(name, {"F16", "BF16", "F32"}, {rows, 1});
    return {{stored.data.data(), scale_type(stored)}, name};
  }

  static std::int64_t integer_at(const StoredTensor& tensor, std::size_t index) {
    const std::size_t bytes = tensor.type() == "I64" ? 8 : tensor.type() == "I32" ? 4 : 1;
    if (bytes == 1) return std::to_integer<std::int64_t>(tensor.data[index]);
    std::int64_t wide = 0;
    std::int32_t narrow = 0;
    if (bytes == 8)
      std::memcpy(&wide, tensor.data.data() + index * bytes, bytes);
    else
      std::memcpy(&narrow, tensor.data.data() + index * bytes, bytes);
    return bytes == 8 ? wide : narrow;
  }

  std::int64_t setting(std::string_view suffix) const {
    const std::string name = layer_ + std::string(suffix);
    const StoredTensor stored = checkpoint_.require(name, {"I64", "I32", "U8"});
    const bool single = stored.shape().empty() || stored.shape() == std::vector<std::int64_t>{1};
    if (!single) checkpoint_.refuse(name, "must be a single number");
    return integer_at(stored, 0);
  }

  [[noreturn]] void refuse(std::string_view suffix, std::int64_t value, std::string_view supported) const {
    checkpoint_.refuse(layer_ + std::string(suffix),
                       fmt::format("is {}: not supported: {}", value, supported));
  }

  const Checkpoint& checkpoint_;
  std::string layer_;
  std::int64_t outputs_ = 0;
  std::int64_t inputs_ = 0;
  PackedRows codes_;
};

}  // namespace

std::vector<QuantisedMatrix> read_hqq(const Checkpoint& checkpoint) {
  std::vector<QuantisedMatrix> matrices;
  for (const std::string& layer : checkpoint.layers_with(".W_q"))
    matrices.push_back(Reader(checkpoint, layer).read());
  return matrices;
}

}  // namespace burin::runtime::quantised
