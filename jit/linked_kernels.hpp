// Kernels that were linked into the program (burin pregen -o kernels.o): no memory is made executable for them.
//
// An object file has one symbol for others, burin_kernels_NAME, where NAME is the file's without its ending:
//
//     extern "C" const burin::jit::LinkedKernels burin_kernels_demo;  // of demo.o
//     burin::jit::add_linked_kernels(burin_kernels_demo);
//
// From then on "linked:demo" stands for a bundle's file wherever one is asked for.
#pragma once

#include <cstdint>
#include <string_view>

namespace burin::jit {

inline constexpr std::string_view kLinkedPrefix = "linked:";

// As C has it: object_file() writes these.
extern "C" {
struct LinkedKernel {
  const char* key;      // as KernelKey::text() has it
  const void* code;     // a CodeImage's bytes
  std::uint64_t bytes;  // of code and constants
};

struct LinkedKernels {
  char magic[8];  // "BURINLNK"
  std::uint32_t version;
  std::uint32_t arguments;  // EmitterId
  std::uint8_t build[32];   // likewise
  const char* name;
  const char* contents;         // as in a bundle: one line per target
  const LinkedKernel* kernels;  // ordered by key
  std::uint64_t count;
};
}

inline constexpr char kLinkedMagic[9] = "BURINLNK";
inline constexpr std::uint32_t kLinkedVersion = 1;

// Makes linked kernels known by their name; the last of a name counts. Thread-safe.
void add_linked_kernels(const LinkedKernels& kernels);

// Throws burin::Error naming those that are known.
const LinkedKernels& find_linked_kernels(std::string_view name);

}  // namespace burin::jit
