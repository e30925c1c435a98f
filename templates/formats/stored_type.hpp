// Number formats in which model files store tensors, as far as templates can pack or convert them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace burin::kernels {

// Names follow GGUF. A row is a sequence of blocks of `elements` values in `bytes` bytes.
enum class StoredType : std::uint8_t {
  f32,
  f16,
  bf16,
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q8_0,
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k,
  iq4_nl,
  iq4_xs,
  mxfp4,
  tq1_0,
  tq2_0,
  iq2_xxs,
  iq2_xs,
  iq2_s,
  iq3_xxs,
  iq3_s,
  iq1_s,
  iq1_m
};

struct StoredLayout {
  std::string_view name;  // "Q4_0", "BF16", ...
  int elements;           // values per block (1 for floats)
  int bytes;              // bytes per block
};

const StoredLayout& layout_of(StoredType type);

}  // namespace burin::kernels
