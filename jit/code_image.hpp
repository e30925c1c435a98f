// Relocatable machine code of one kernel.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "jit/target.hpp"

namespace burin::jit {

// Position-independent: code and constants in one piece, entry at offset 0, every reference RIP-relative,
// all that is external comes through the argument struct.
struct CodeImage {
  std::string name;             // canonical text of the spec
  FeatureSet features;          // what the CPU must have to run it
  std::uint32_t code_size = 0;  // instructions; constants follow
  std::vector<std::uint8_t> bytes;
};

// Entry of a kernel: one pointer to the argument struct of its kind.
using KernelEntry = void (*)(const void* arguments);

}  // namespace burin::jit
