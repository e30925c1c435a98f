// Parts of stored rows as floats, for packing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "templates/formats/packing.hpp"

namespace burin::kernels {

// The block of a row that holds an input.
const std::byte* stored_at(const StoredMatrix& matrix, std::int64_t row, std::int64_t input);

// Reads a few inputs of each of 32 columns in turn. A block that is read in parts is dequantised
// once.
class StoredFloats {
 public:
  // `first` and, but for the row's end, `count` are multiples of 16. `column` (0..31) is the one the row
  // belongs to.
  void read(const StoredMatrix& matrix, std::int64_t row, std::int64_t first, std::int64_t count, int column,
            float* out);

 private:
  struct Known {
    const std::byte* block = nullptr;
    float values[kSuperblock];
  };
  std::vector<Known> known_;  // the block last read in part, of each column; empty where there never was one
};

}  // namespace burin::kernels
