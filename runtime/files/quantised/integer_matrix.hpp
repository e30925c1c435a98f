// Integer codes with a scale, and perhaps a zero point, per output and group of inputs: weight = scale * (code - zero).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/files/quantised/checkpoint.hpp"
#include "runtime/files/quantised/packed_words.hpp"

namespace burin::runtime::quantised {

// Which output's number stands where in a stream of outputs.
enum class OutputOrder : std::uint8_t {
  plain,
  awq,  // of eight: 0, 2, 4, 6, 1, 3, 5, 7
};

// Numbers F32, F16 or BF16, one per output and group.
struct GroupScales {
  const std::byte* data = nullptr;
  kernels::ScaleType type = kernels::ScaleType::f16;
  std::int64_t output_step = 1;  // numbers from one output to the next
  std::int64_t group_step = 0;   // and from one group to the next
  float divisor = 1;             // of every number; else than 1 for F32 only

  std::uint32_t bits_at(std::int64_t output, std::int64_t group) const;
};

// How one layer's numbers lie in its tensors, whose shapes have been checked.
struct IntegerLayout {
  std::string layer;  // for messages
  int bits = 4;
  std::int64_t outputs = 0;
  std::int64_t inputs = 0;
  std::int64_t group = 0;  // inputs of a scale, after they were sorted
  PackedWords codes;       // a stream per output, along the inputs; or, turned, a stream per input
  bool turned = false;
  std::optional<PackedWords> zeros;  // a stream per group, along the outputs; absent: 2^(bits - 1)
  OutputOrder output_order = OutputOrder::plain;
  GroupScales scales;
  std::vector<std::int32_t> order;  // where inputs are to be sorted by group

  std::int64_t groups() const { return (inputs + group - 1) / group; }
};

// Scales' type, of the tensor that holds them.
kernels::ScaleType scale_type(const StoredTensor& scales);

// The group size that settings give; -1, or more than there are inputs: one group for all.
std::int64_t group_of_settings(const Checkpoint& checkpoint, const std::string& layer, std::int64_t stated,
                               std::int64_t inputs);

// The group of the packed matrix where a file has groups of `stored` inputs, a multiple of 16: the largest that divides
// it and that kernels like. Scales are repeated.
int packed_group(std::int64_t stored);
// Likewise of a layer's rows of `inputs`, which may be one group. Refuses a group size that kernels have not.
int packed_group(const Checkpoint& checkpoint, const std::string& layer, std::int64_t stored,
                 std::int64_t inputs);

// The matrix, or refuses a group size that kernels have not. Formats are symmetric where all zero points are
// 2^(bits - 1), whatever the settings say; elsewhere scales are held as f32, for minimum = -scale * zero has more
// digits than an f16 or bf16.
QuantisedMatrix integer_matrix(const Checkpoint& checkpoint, IntegerLayout layout);

// The same of a layout whose scales are LAYER.scales [groups, outputs], as GPTQ and AWQ have them. Its codes are
// LAYER.qweight; `others` are the tensors that it has besides.
QuantisedMatrix qweight_matrix(const Checkpoint& checkpoint, IntegerLayout layout,
                               std::vector<std::string> others);

// LAYER.weight [outputs, inputs] of I8, whose zero point is 0. The group is one for all inputs; scales are missing.
IntegerLayout byte_layout(const Checkpoint& checkpoint, const std::string& layer);

}  // namespace burin::runtime::quantised
