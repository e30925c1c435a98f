// How the blocks of GGUF's IQ types are read: 256 codes of a table with two-level scales.
// Block layouts: ggml's quantisation formats (https://github.com/ggml-org/ggml, src/ggml-common.h).
#pragma once

#include <cstddef>

#include "templates/formats/superblock.hpp"

namespace burin::kernels {

void read_iq4_xs(const std::byte* block, Superblock& out);
void read_iq2_xxs(const std::byte* block, Superblock& out);
void read_iq2_xs(const std::byte* block, Superblock& out);
void read_iq2_s(const std::byte* block, Superblock& out);
void read_iq3_xxs(const std::byte* block, Superblock& out);
void read_iq3_s(const std::byte* block, Superblock& out);
void read_iq1_s(const std::byte* block, Superblock& out);
void read_iq1_m(const std::byte* block, Superblock& out);

}  // namespace burin::kernels
