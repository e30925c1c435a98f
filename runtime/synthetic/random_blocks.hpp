// Blocks of stored types with random codes, for synthetic files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "templates/formats/stored_type.hpp"

namespace burin::runtime {

// Whether there are such blocks of the type.
bool has_random_blocks(kernels::StoredType type);

// Fills whole blocks. Values are of about the size of trained weights: a few hundredths. The same for the same seed.
void fill_random_blocks(kernels::StoredType type, std::uint64_t seed, std::span<std::byte> bytes);

}  // namespace burin::runtime
