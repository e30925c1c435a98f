// Synthetic models as files, so that other engines can run what `burin bench --synthetic` does.
#pragma once

#include <cstdint>
#include <string>

#include "templates/formats/stored_type.hpp"
#include "templates/formats/weight_format.hpp"

namespace burin::runtime {

// The type whose files are packed to `format` without loss. Throws burin::Error naming a format that GGUF files do not
// have, or types for which there are no synthetic blocks.
kernels::StoredType stored_type_of(const kernels::WeightFormat& format);

// Writes the shape (see synthetic_description) as a GGUF file with layers' matrices of that type, random codes under
// plausible scales, and a vocabulary of made-up words; returns the file's bytes. The same bytes each time. Throws
// burin::Error naming a shape that GGUF does not have, or the file for what the system refuses.
std::uint64_t write_synthetic_gguf(const std::string& shape, kernels::StoredType matrices,
                                   const std::string& path);

}  // namespace burin::runtime
