// Messages out of a signal handler: no allocation, no locale, no stdio.
#pragma once

#include <cstddef>
#include <cstdint>

namespace burin::emulation {

struct Instruction;

// Writes the line "burin emulator: <reason>" to stderr and takes the default action of SIGILL: the process
// ends.
[[noreturn]] void die(const char* reason);

// The same with the instruction: its name, address and bytes.
[[noreturn]] void die(const char* reason, const Instruction& instruction);

// For bytes that are no known instruction.
[[noreturn]] void die_at(const char* reason, std::uint64_t address, const std::uint8_t* bytes,
                         std::size_t count);

}  // namespace burin::emulation
