// Codes of four bits, two to a byte, with a scale of one byte per block of inputs: MXFP4 and NVFP4.
#pragma once

#include <cstdint>
#include <string_view>

#include "runtime/files/quantised/checkpoint.hpp"

namespace burin::runtime::quantised {

struct CodePairs {
  StoredTensor codes;   // U8 [outputs, inputs / 2]
  StoredTensor scales;  // [outputs, inputs / block]
};

// Those of matrix.codes and matrix.others[0], whose type is `scale_type`; sets matrix.shape. Refuses what does not fit.
CodePairs require_code_pairs(const Checkpoint& checkpoint, QuantisedMatrix& matrix,
                             std::string_view scale_type, std::int64_t block);

}  // namespace burin::runtime::quantised
