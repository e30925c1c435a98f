// How each stored type's blocks are read: as codes with a scale, or as plain floats.
// Block layouts: ggml's quantisation formats (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
#pragma once

#include <cstddef>
#include <cstdint>

#include "templates/formats/stored_type.hpp"
#include "templates/formats/superblock.hpp"
#include "templates/formats/weight_format.hpp"

namespace burin::kernels {

// One group of values as codes of the type's natural format, and the bits of scale and minimum (0 where the
// format is symmetric) as that has them.
struct CodeGroup {
  std::uint8_t codes[kSuperblock];
  std::uint16_t scale;
  std::uint16_t minimum;
};

struct StoredRow {
  StoredLayout layout;
  WeightFormat natural;
  // Reads one block: one of these three is not null.
  void (*read_group)(const std::byte* block, CodeGroup& group) = nullptr;             // types with codes
  float (*read_float)(const std::byte* value) = nullptr;                              // float types
  void (*read_superblock)(const std::byte* block, Superblock& superblock) = nullptr;  // two-level types
};

const StoredRow& stored_row(StoredType type);

}  // namespace burin::kernels
