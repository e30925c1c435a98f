// Models in several GGUF files, NAME-00001-of-00003.gguf and so on, as llama.cpp's gguf-split writes them: the first has
// the metadata, each has some of the tensors, and split.no (from 0) and split.count say which is which.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "runtime/files/gguf_file.hpp"

namespace burin::runtime {

// The files that follow the first one, in their order; none where the model is in one file. Throws burin::Error for a
// file that is not the first (naming the one that is), and for a name that does not say where the others are.
std::vector<std::filesystem::path> parts_behind(const GgufFile& first);

// Throws burin::Error where `part` is not the `number`th file (from 0) behind `first`.
void check_part(const GgufFile& first, const GgufFile& part, std::int64_t number);

// Throws burin::Error where the files have another number of tensors than the first one says.
void check_parts_are_all(const GgufFile& first, std::size_t tensors);

}  // namespace burin::runtime
