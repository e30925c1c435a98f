#include "tests/emulation/loaded_kernel.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <stdexcept>

#include "tests/emulation/amx.hpp"
#include "tests/emulation/emulator.hpp"
#include "tests/emulation/fp16.hpp"
#include "tests/emulation/instruction.hpp"

namespace burin::emulation {
namespace {

constexpr std::uint8_t kUd2[] = {0x0f, 0x0b};

// Where the emitted bytes of code at `begin` are. The handler reads while threads run the code.
struct Trapping {
  std::atomic<std::uint64_t> begin = 0, end = 0, emitted = 0;
};
std::array<Trapping, 8> all_trapping;

const Trapping* trapping_at(std::uint64_t address) {
  for (const Trapping& one : all_trapping)
    if (address >= one.begin && address < one.end) return &one;
  return nullptr;
}

std::uint64_t address_of(const void* pointer) { return reinterpret_cast<std::uint64_t>(pointer); }

// The decoder may look at as many bytes as the longest instruction has, also behind the last one.
std::vector<std::uint8_t> decodable(const jit::CodeImage& image) {
  std::vector<std::uint8_t> copy = image.bytes;
  copy.resize(copy.size() + ZYDIS_MAX_INSTRUCTION_LENGTH);
  return copy;
}

// Offsets of the AMX and AVX512-FP16 instructions in a decodable copy of the code.
std::vector<std::size_t> offsets_to_trap(const jit::CodeImage& image, const std::vector<std::uint8_t>& copy) {
  std::vector<std::size_t> offsets;
  Instruction instruction;
  for (std::size_t at = 0; at < image.code_size; at += instruction.decoded.length) {
    decode(address_of(copy.data() + at), instruction);
    if (is_amx(instruction) || is_fp16(instruction)) offsets.push_back(at);
  }
  return offsets;
}

std::vector<std::uint8_t> with_traps(const jit::CodeImage& image, const std::vector<std::uint8_t>& copy) {
  std::vector<std::uint8_t> code = image.bytes;
  if (copy.empty()) return code;
  for (const std::size_t at : offsets_to_trap(image, copy))
    std::copy(std::begin(kUd2), std::end(kUd2), code.begin() + static_cast<std::ptrdiff_t>(at));
  return code;
}

}  // namespace

bool has_tiles_or_fp16(const jit::CodeImage& image) {
  return !offsets_to_trap(image, decodable(image)).empty();
}

LoadedKernel::LoadedKernel(const jit::CodeImage& image)
    : emitted_(EmulatedCpu::takes_over() ? decodable(image) : std::vector<std::uint8_t>()),
      memory_(with_traps(image, emitted_)) {
  if (emitted_.empty()) return;
  const auto free = std::find_if(all_trapping.begin(), all_trapping.end(),
                                 [](const Trapping& one) { return one.end == 0; });
  if (free == all_trapping.end())
    throw std::length_error("too many kernels are loaded for emulation at once");
  free->begin = address_of(memory_.entry());
  free->emitted = address_of(emitted_.data());
  free->end = free->begin + image.code_size;
}

LoadedKernel::~LoadedKernel() {
  for (Trapping& one : all_trapping)
    if (one.begin == address_of(memory_.entry())) one.end = one.begin = 0;
}

bool LoadedKernel::is_trapping(std::uint64_t address) { return trapping_at(address) != nullptr; }

std::uint64_t LoadedKernel::as_emitted(std::uint64_t address) {
  const Trapping* one = trapping_at(address);
  return one == nullptr ? address : address - one->begin + one->emitted;
}

}  // namespace burin::emulation
