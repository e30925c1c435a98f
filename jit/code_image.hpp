// Relocatable machine code of one kernel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "jit/register_roles.hpp"
#include "jit/target.hpp"

namespace burin::jit {

// Constants of whole vectors are read with aligned loads.
inline constexpr std::size_t kCodeAlignment = 64;

constexpr std::size_t round_up_to_code(std::size_t bytes) {
  return (bytes + kCodeAlignment - 1) / kCodeAlignment * kCodeAlignment;
}

// Position-independent: code and constants in one piece, entry at offset 0, every reference RIP-relative,
// all that is external comes through the argument struct. To be placed at multiples of kCodeAlignment.
struct CodeImage {
  std::string name;             // canonical text of the spec
  FeatureSet features;          // what the CPU must have to run it
  std::uint32_t code_size = 0;  // instructions; constants follow
  std::vector<std::uint8_t> bytes;
  std::vector<std::uint8_t> unwind;    // program for the code (unwind.hpp)
  std::vector<RoleChange> roles = {};  // for disassemblies, if the target asks for them; in no file
};

// Entry of a kernel: one pointer to the argument struct of its kind.
using KernelEntry = void (*)(const void* arguments);

}  // namespace burin::jit
