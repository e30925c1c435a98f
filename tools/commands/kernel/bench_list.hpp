// burin kernel ls --bench: what the manifest's rows take on this machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "jit/target.hpp"

namespace burin::tools {

enum class BenchFormat : std::uint8_t { text, json, markdown };

// Times each row that the target can have, on one thread, at the sizes of a 7B model but for 512 columns of matrices:
// a line per row, or tables when all are done. Throws burin::Error where this host lacks what the target has,
// UsageError where the words leave nothing.
void bench_rows(const std::vector<std::string>& words, const jit::Target& target, BenchFormat format);

}  // namespace burin::tools
