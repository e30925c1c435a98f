// Kernels of a few bytes, for tests of what keeps kernels.
#pragma once

#include <cstdint>
#include <string>

#include "jit/code_image.hpp"
#include "jit/kernel_key.hpp"

namespace burin::jit {

// mov dword [rdi], value; ret
inline CodeImage image_that_stores(const std::string& name, std::uint8_t value) {
  CodeImage image;
  image.name = name;
  image.features = parse_target("avx2").features;
  image.bytes = {0xc7, 0x07, value, 0, 0, 0, 0xc3};
  image.code_size = static_cast<std::uint32_t>(image.bytes.size());
  return image;
}

inline KernelKey key_of(const CodeImage& image) { return {image.name, image.features}; }

inline int stored_by(KernelEntry entry) {
  int value = -1;
  entry(&value);
  return value;
}

}  // namespace burin::jit
