// How the blocks of GGUF's K-quants are read: 256 codes with two-level scales.
// Block layouts: ggml's quantisation formats (https://github.com/ggml-org/ggml, src/ggml-common.h).
#pragma once

#include <cstddef>

#include "templates/formats/superblock.hpp"

namespace burin::kernels {

void read_q2_k(const std::byte* block, Superblock& out);
void read_q3_k(const std::byte* block, Superblock& out);
void read_q4_k(const std::byte* block, Superblock& out);
void read_q5_k(const std::byte* block, Superblock& out);
void read_q6_k(const std::byte* block, Superblock& out);

}  // namespace burin::kernels
