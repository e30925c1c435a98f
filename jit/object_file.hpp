// Kernels as a relocatable object (ELF64, x86-64; System V ABI), for programs that may make no memory executable.
//
//     .text          the images, each at a multiple of 64: code and constants, which refer to nothing outside
//     .rodata        names and keys
//     .data.rel.ro   burin_kernels_NAME, the table of linked_kernels.hpp; read-only once addresses are known
//     .eh_frame      unwind programs, so that debuggers and profilers see through kernels
//     .symtab        a local symbol per kernel, with its key as name; the table's is the one global symbol
//
// There is no time, path or host in it: the same kernels are the same bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "jit/bundle.hpp"

namespace burin::jit {

// NAME as C can spell it: other characters than letters and digits become '_'.
std::string linked_name(std::string_view text);

// `name` has passed linked_name(). Of kernels with equal keys the first counts.
std::vector<std::uint8_t> object_file(std::string_view name, const std::vector<BundleTarget>& targets,
                                      const std::vector<CodeImage>& images, const EmitterId& emitter);

}  // namespace burin::jit
