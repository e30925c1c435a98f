#include "tests/emulation/processor_state.hpp"

#include <cpuid.h>

#include <algorithm>
#include <cstring>

#include "tests/emulation/report.hpp"

namespace burin::emulation {
namespace {

enum Component { kLegacySse = 1, kUpperYmm = 2, kMasks = 5, kUpperZmm = 6, kHighZmm = 7, kComponents = 8 };

constexpr std::size_t kMxcsr = 24;
constexpr std::size_t kXmm = 160;
// The kernel's `struct _fpx_sw_bytes`: magic, size, then the components it saved.
constexpr std::size_t kSoftwareMagic = 464;
constexpr std::size_t kSoftwareFeatures = 472;
constexpr std::uint32_t kMagic = 0x46505853;
constexpr std::size_t kHeader = 512;

struct Layout {
  std::size_t offset[kComponents] = {};
  std::size_t size[kComponents] = {};
  std::size_t total = kHeader + 64;
};

// Read before main: CPUID may trap to a hypervisor, which is slow in a signal handler.
const Layout layout = [] {
  Layout all;
  all.offset[kLegacySse] = kXmm;
  all.size[kLegacySse] = 256;
  for (const int component : {kUpperYmm, kMasks, kUpperZmm, kHighZmm}) {
    unsigned size = 0, offset = 0, c = 0, d = 0;
    if (__get_cpuid_count(0xd, static_cast<unsigned>(component), &size, &offset, &c, &d) == 0) continue;
    all.offset[component] = offset;
    all.size[component] = size;
    all.total = std::max(all.total, std::size_t{offset} + size);
  }
  return all;
}();

// Places of rax, rcx, rdx, ... in gregs.
constexpr int kGeneral[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

template <typename Value>
Value load(const std::uint8_t* from) {
  Value value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

}  // namespace

std::size_t xsave_bytes() { return layout.total; }
std::size_t xsave_offset(int component) { return layout.offset[component]; }

std::uint64_t ProcessorState::general(int number) const {
  return static_cast<std::uint64_t>(context_.uc_mcontext.gregs[kGeneral[number]]);
}
void ProcessorState::set_general(int number, std::uint64_t value) {
  context_.uc_mcontext.gregs[kGeneral[number]] = static_cast<greg_t>(value);
}
std::uint64_t ProcessorState::rip() const {
  return static_cast<std::uint64_t>(context_.uc_mcontext.gregs[REG_RIP]);
}
void ProcessorState::set_rip(std::uint64_t value) {
  context_.uc_mcontext.gregs[REG_RIP] = static_cast<greg_t>(value);
}
std::uint64_t ProcessorState::flags() const {
  return static_cast<std::uint64_t>(context_.uc_mcontext.gregs[REG_EFL]);
}
void ProcessorState::set_flags(std::uint64_t value) {
  context_.uc_mcontext.gregs[REG_EFL] = static_cast<greg_t>(value);
}

std::uint8_t* ProcessorState::area() const {
  if (context_.uc_mcontext.fpregs == nullptr) die("the signal frame holds no vector registers");
  return reinterpret_cast<std::uint8_t*>(context_.uc_mcontext.fpregs);
}

std::uint32_t ProcessorState::mxcsr() const { return load<std::uint32_t>(area() + kMxcsr); }
void ProcessorState::set_mxcsr(std::uint32_t value) { std::memcpy(area() + kMxcsr, &value, sizeof(value)); }

// Null where the component holds zeros, or is not there at all.
const std::uint8_t* ProcessorState::readable(int component) const {
  const std::uint8_t* base = area();
  if (load<std::uint32_t>(base + kSoftwareMagic) != kMagic)
    return component == kLegacySse ? base + kXmm : nullptr;
  const std::uint64_t present =
      load<std::uint64_t>(base + kSoftwareFeatures) & load<std::uint64_t>(base + kHeader);
  return (present >> component & 1) != 0 ? base + layout.offset[component] : nullptr;
}

// Null where the frame has no room for it. A component that was in its initial state becomes zeros in memory,
// and its bit in XSTATE_BV tells sigreturn to load it.
std::uint8_t* ProcessorState::writable(int component) {
  std::uint8_t* base = area();
  if (load<std::uint32_t>(base + kSoftwareMagic) != kMagic)
    return component == kLegacySse ? base + kXmm : nullptr;
  if ((load<std::uint64_t>(base + kSoftwareFeatures) >> component & 1) == 0) return nullptr;
  auto in_use = load<std::uint64_t>(base + kHeader);
  if ((in_use >> component & 1) == 0) {
    std::memset(base + layout.offset[component], 0, layout.size[component]);
    in_use |= std::uint64_t{1} << component;
    std::memcpy(base + kHeader, &in_use, sizeof(in_use));
  }
  return base + layout.offset[component];
}

void ProcessorState::write_part(int component, std::size_t offset, const std::uint8_t* from,
                                std::size_t bytes) {
  const bool zero = std::all_of(from, from + bytes, [](std::uint8_t byte) { return byte == 0; });
  // Zeros into an initial component change nothing, and must not fail where the host lacks the component.
  if (zero && readable(component) == nullptr) return;
  std::uint8_t* to = writable(component);
  if (to == nullptr) die("this CPU or kernel has no such vector or mask register");
  std::memcpy(to + offset, from, bytes);
}

VectorBytes ProcessorState::vector(int number) const {
  VectorBytes bytes{};
  const auto n = static_cast<std::size_t>(number);
  const auto copy = [&](int component, std::size_t offset, std::size_t to, std::size_t count) {
    if (const std::uint8_t* from = readable(component)) std::memcpy(bytes.data() + to, from + offset, count);
  };
  if (number >= 16) {
    copy(kHighZmm, (n - 16) * 64, 0, 64);
  } else {
    copy(kLegacySse, n * 16, 0, 16);
    copy(kUpperYmm, n * 16, 16, 16);
    copy(kUpperZmm, n * 32, 32, 32);
  }
  return bytes;
}

void ProcessorState::set_vector(int number, const VectorBytes& bytes) {
  const auto n = static_cast<std::size_t>(number);
  if (number >= 16) {
    write_part(kHighZmm, (n - 16) * 64, bytes.data(), 64);
  } else {
    write_part(kLegacySse, n * 16, bytes.data(), 16);
    write_part(kUpperYmm, n * 16, bytes.data() + 16, 16);
    write_part(kUpperZmm, n * 32, bytes.data() + 32, 32);
  }
}

std::uint64_t ProcessorState::mask(int number) const {
  const std::uint8_t* from = readable(kMasks);
  return from != nullptr ? load<std::uint64_t>(from + number * 8) : 0;
}
void ProcessorState::set_mask(int number, std::uint64_t value) {
  std::uint8_t bytes[8];
  std::memcpy(bytes, &value, sizeof(value));
  write_part(kMasks, static_cast<std::size_t>(number) * 8, bytes, 8);
}

}  // namespace burin::emulation
