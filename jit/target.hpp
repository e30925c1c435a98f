// The CPU a kernel is emitted for: a set of instruction-set features, by CPU name or by list.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace burin::jit {

// One bit each. Every feature implies those that it cannot do without (avx512vnni implies avx512).
// `avx512` is F+BW+VL+DQ, `avx2` is AVX2+FMA+F16C: no CPU we can meet has less.
enum class Feature : std::uint8_t {
  avx2,
  avxvnni,
  avx512,
  avx512vnni,
  avx512bf16,
  avx512fp16,
  avx512vbmi,
  gfni,
  amx_int8,
  amx_bf16,
  amx_fp16,
};

class FeatureSet {
 public:
  constexpr FeatureSet() = default;
  constexpr bool has(Feature f) const { return (bits_ & bit(f)) != 0; }
  constexpr void add(Feature f) { bits_ |= bit(f); }
  constexpr bool contains(FeatureSet other) const { return (bits_ & other.bits_) == other.bits_; }
  constexpr FeatureSet without(FeatureSet other) const { return FeatureSet(bits_ & ~other.bits_); }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr std::uint32_t bits() const { return bits_; }
  constexpr bool operator==(const FeatureSet&) const = default;
  explicit constexpr FeatureSet(std::uint32_t bits) : bits_(bits) {}

 private:
  static constexpr std::uint32_t bit(Feature f) { return 1u << static_cast<unsigned>(f); }
  std::uint32_t bits_ = 0;
};

// "avx2,avxvnni", in declaration order, implied features included.
std::string to_text(FeatureSet features);

struct Target {
  std::string name;  // "znver5", "haswell", or the feature list it was given as
  FeatureSet features;
  bool roles = false;  // images say what registers are for (register_roles.hpp); the code is the same

  bool has(Feature f) const { return features.has(f); }
  Target with_roles() const { return {name, features, true}; }
};

struct NamedTarget {
  std::string_view name;
  std::string_view features;  // list as parse_target takes it
};
// CPU names as GCC and LLVM spell them, oldest first.
std::span<const NamedTarget> known_targets();

// "detect" (the host), a CPU name ("znver5") or a comma-separated feature list ("avx2,fma,f16c"; implied
// features are added). Throws burin::Error naming the unknown part and what is known.
Target parse_target(std::string_view text);

// What this CPU and operating system can run; the name is the most capable known target it covers.
// Throws burin::Error where not even AVX2 is there.
Target host_target();

// Throws burin::Error naming the features the host lacks for `target`.
void require_host_can_run(const Target& target);

}  // namespace burin::jit
