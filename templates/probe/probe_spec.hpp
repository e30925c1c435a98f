// Kernels that measure what the machine can do at most: the yardsticks of every benchmark.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "jit/code_image.hpp"
#include "jit/target.hpp"

namespace burin::kernels {

// dot_int8: the target's best way to multiply bytes and add, registers only, `count` rounds.
// read: one pass over `count` bytes (a multiple of 4096) with the prefetches of stream kernels.
enum class Probe : std::uint8_t { dot_int8, read };

struct ProbeSpec {
  static constexpr std::string_view kKind = "probe";
  Probe probe = Probe::read;

  bool operator==(const ProbeSpec&) const = default;
};

void write_field(std::string& text, const Probe& probe);
void read_field(std::string_view text, Probe& probe);

template <typename Spec, typename Visitor>
requires std::is_same_v<std::remove_const_t<Spec>, ProbeSpec>
void visit_fields(Spec& spec, Visitor&& visit) {
  auto& [probe] = spec;
  visit("of", probe);
}

struct ProbeArguments {
  const std::byte* data = nullptr;  // read; 64-byte aligned
  std::int64_t count = 0;
};

jit::CodeImage emit_probe(const ProbeSpec& spec, const jit::Target& target);

// Multiply-adds of bytes in one round of dot_int8.
std::int64_t dot_probe_macs_per_round(const jit::Target& target);

}  // namespace burin::kernels
