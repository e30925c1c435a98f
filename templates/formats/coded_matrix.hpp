// A matrix of numbers that a file keeps in another way than row after row of blocks (Hugging Face's quantised
// checkpoints: codes here, scales and zero points there), read group by group.
#pragma once

#include <cstdint>
#include <span>

#include "templates/formats/quantize.hpp"
#include "templates/formats/weight_format.hpp"

namespace burin::kernels {

// Immutable; all methods are thread-safe. Rows are outputs, columns are inputs, as in StoredMatrix. Methods throw
// burin::Error naming the tensor for numbers that are none (a scale that is infinite).
class CodedMatrix {
 public:
  CodedMatrix(const WeightFormat& format, std::int64_t inputs) : inputs_(inputs), format_(format) {}
  virtual ~CodedMatrix() = default;
  CodedMatrix(const CodedMatrix&) = delete;
  CodedMatrix& operator=(const CodedMatrix&) = delete;

  // What holds it without loss: a format of codes that has no two-level scales, or f32.
  const WeightFormat& format() const { return format_; }

  // Formats of codes: codes, and bits of scale and minimum, of inputs [first, first + codes.size()) of a row, all of
  // one group of the format. `first` is its first input, or a multiple of 16. fp8 codes are numbers.
  virtual QuantizedGroup read_group(std::int64_t row, std::int64_t first,
                                    std::span<std::uint8_t> codes) const = 0;

  // Formats with factors (ScaleType::e4m3): what all scales of the row are multiplied with.
  virtual float row_factor(std::int64_t /*row*/) const { return 1; }

  // Inputs [first, first + values.size()) of a row. `first` is a multiple of 16.
  virtual void read_values(std::int64_t row, std::int64_t first, std::span<float> values) const;

 protected:
  std::int64_t inputs() const { return inputs_; }  // of a row

 private:
  std::int64_t inputs_;
  WeightFormat format_;
};

}  // namespace burin::kernels
