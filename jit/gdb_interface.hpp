// GDB's (and LLDB's) interface for generated code: each kernel is an object file in memory, in a list that the debugger
// knows by its name, with a function at which it stops to read the list (GDB manual, "JIT Compilation Interface").
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "jit/code_tool.hpp"

namespace burin::jit {

// Names, layouts and numbers are the debugger's.
struct DebuggerEntry {
  DebuggerEntry* next;
  DebuggerEntry* previous;
  const std::uint8_t* object;
  std::uint64_t object_bytes;
};
enum class DebuggerAction : std::uint32_t { none = 0, entry_added = 1, entry_removed = 2 };
struct DebuggerList {
  std::uint32_t version;
  DebuggerAction action;
  DebuggerEntry* changed;
  DebuggerEntry* first;
};
extern "C" DebuggerList __jit_debug_descriptor;

// Kernels become functions with frames. They are unregistered when they go.
std::shared_ptr<CodeTool> make_gdb_interface();

// What the debugger reads: an ELF object with the code at `entry`, a symbol of the kernel's name, and frames.
std::vector<std::uint8_t> debugger_object(const CodeImage& image, const void* entry);

}  // namespace burin::jit
