// Kernels as files: a header that says for whom the code is, and a digest over everything.
//
//      0  magic "BURINIMG"
//      8  version of this layout    u32
//     12  ABI                       u32   1: System V, x86-64
//     16  build id of the emitter   32 bytes
//     48  version of the arguments  u32
//     52  features the code needs   u32   bits of FeatureSet
//     56  length of the key         u32
//     60  length of the code        u32   instructions, the constants follow them
//     64  length of both            u64
//     72  length of unwind program  u64
//     80  length of the file        u64
//     88  zero                      u64
//     96  SHA-256 of the file, with these 32 bytes taken as zero
//    128  key, zeros up to a multiple of 64, code, constants, unwind program (unwind.hpp)
//
// Numbers are little-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "jit/build_id.hpp"
#include "jit/code_image.hpp"
#include "jit/kernel_key.hpp"

namespace burin::jit {

// Larger than any kernel's file; nothing longer is read.
inline constexpr std::size_t kLargestImageFile = std::size_t{8} << 20;

// The file of an image that `emitter` made for `key`.
std::vector<std::uint8_t> image_file(const KernelKey& key, const CodeImage& image, const EmitterId& emitter);

// What is in a file, for whatever emitter and CPU.
struct StoredImage {
  EmitterId emitter;
  std::string key;  // text
  CodeImage image;
  std::size_t code_begin = 0;  // where the code is in the file; a multiple of kCodeAlignment
};
// Throws burin::Error saying what is wrong with a file that is damaged or of another layout or ABI.
StoredImage parse_image_file(std::span<const std::uint8_t> file);

// Length of the image file that these bytes begin with, as its header says. Throws burin::Error where they are
// fewer.
std::size_t image_file_length(std::span<const std::uint8_t> bytes);

// The image, where the file is just what image_file() wrote for `key` and `emitter`; otherwise throws
// burin::Error saying what is wrong.
CodeImage read_image_file(std::span<const std::uint8_t> file, const KernelKey& key, const EmitterId& emitter);

}  // namespace burin::jit
