// Runs a few emitted instructions on four vector registers.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "jit/assembler.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/host_targets.hpp"
#include "tests/support/kernel_call.hpp"

namespace burin::jit {

using Words = std::vector<std::uint32_t>;  // the 32-bit lanes of a register

inline Words words_of(const std::vector<float>& values) {
  Words words;
  for (const float value : values) words.push_back(std::bit_cast<std::uint32_t>(value));
  return words;
}
inline std::vector<float> floats_of(const Words& words) {
  std::vector<float> values;
  for (const std::uint32_t word : words) values.push_back(std::bit_cast<float>(word));
  return values;
}

// A target and where among its registers the four are: the first ones, or the last.
struct IsaSetting {
  Target target;
  int first = 0;
  int lanes = 0;

  std::string text() const { return target.name + " from register " + std::to_string(first); }
};

inline std::vector<IsaSetting> isa_settings() {
  std::vector<IsaSetting> settings;
  for (const Target& target : tests::host_targets()) {
    const Assembler a(target);
    for (const int first : {0, a.vector_registers() - 4}) settings.push_back({target, first, a.lanes()});
  }
  return settings;
}

using Four = std::array<Words, 4>;
// Gets the four registers; rsi is `memory`, rcx `number`.
using IsaBody = std::function<void(Assembler& a, const std::array<Vector, 4>& v)>;

// What the registers hold after the body, when they held `before` (missing lanes: 0).
inline Four run_isa(const IsaSetting& setting, const Four& before, const IsaBody& body,
                    void* memory = nullptr, std::int64_t number = 0) {
  struct Arguments {
    std::uint32_t* registers;
    void* memory;
    std::int64_t number;
  };
  Assembler a(setting.target);
  const auto vector = [&](int i) { return a.vector(setting.first + i, {"v", i}); };
  const std::array<Vector, 4> v = {vector(0), vector(1), vector(2), vector(3)};
  a.begin_frame(0);
  a.mov(a.rdx, a.ptr[a.rdi + offsetof(Arguments, registers)]);
  a.mov(a.rsi, a.ptr[a.rdi + offsetof(Arguments, memory)]);
  a.mov(a.rcx, a.ptr[a.rdi + offsetof(Arguments, number)]);
  for (std::size_t i = 0; i < 4; ++i)
    a.vmovups(v[i], a.ptr[a.rdx + i * static_cast<std::size_t>(a.vector_bytes())]);
  body(a, v);
  for (std::size_t i = 0; i < 4; ++i)
    a.vmovups(a.ptr[a.rdx + i * static_cast<std::size_t>(a.vector_bytes())], v[i]);
  a.end_frame();

  const auto lanes = static_cast<std::size_t>(setting.lanes);
  const tests::GuardedBuffer registers(4 * lanes * 4);
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t lane = 0; lane < std::min(lanes, before[i].size()); ++lane)
      registers.as<std::uint32_t>()[i * lanes + lane] = before[i][lane];
  tests::run_kernel(a.finish("body"), Arguments{registers.as<std::uint32_t>(), memory, number});
  Four after;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::uint32_t* from = registers.as<std::uint32_t>() + i * lanes;
    after[i].assign(from, from + lanes);
  }
  return after;
}

}  // namespace burin::jit
