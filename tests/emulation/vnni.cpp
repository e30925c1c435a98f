#include "tests/emulation/vnni.hpp"

#include <algorithm>
#include <limits>

#include "tests/emulation/lanes.hpp"

namespace burin::emulation {
namespace {

struct DotProduct {
  bool words;  // two of 16 bits, both signed, else four of 8
  bool a_signed;
  bool b_signed;
  bool saturates;
};

// Part `index` of a dword.
std::int64_t part(std::uint32_t dword, int index, bool words, bool is_signed) {
  const std::uint32_t shifted = dword >> (index * (words ? 16 : 8));
  if (words) return static_cast<std::int16_t>(shifted);
  return is_signed ? std::int64_t{static_cast<std::int8_t>(shifted)}
                   : std::int64_t{static_cast<std::uint8_t>(shifted)};
}

// The sum of all products and the accumulator is exact before it saturates or wraps around. Without a signed
// operand the accumulator is unsigned, too (SDM volume 2, VPDPBUUDS).
std::uint32_t accumulate(const DotProduct& product, std::uint32_t accumulator, std::uint32_t a,
                         std::uint32_t b) {
  const bool is_signed = product.words || product.a_signed || product.b_signed;
  std::int64_t sum =
      is_signed ? std::int64_t{static_cast<std::int32_t>(accumulator)} : std::int64_t{accumulator};
  for (int i = 0; i < (product.words ? 2 : 4); ++i)
    sum += part(a, i, product.words, product.a_signed) * part(b, i, product.words, product.b_signed);
  if (product.saturates && is_signed)
    sum = std::clamp<std::int64_t>(sum, std::numeric_limits<std::int32_t>::min(),
                                   std::numeric_limits<std::int32_t>::max());
  if (product.saturates && !is_signed)
    sum = std::min<std::int64_t>(sum, std::numeric_limits<std::uint32_t>::max());
  return static_cast<std::uint32_t>(sum);
}

void run(const Instruction& instruction, ProcessorState& state, const DotProduct& product) {
  const Source accumulator(instruction, 0, state);
  const Source a(instruction, 1, state);
  const Source b(instruction, 2, state);
  write_packed(instruction, state, vector_lanes(instruction, 4), 4, [&](int i) {
    return accumulate(product, static_cast<std::uint32_t>(accumulator.lane(i, 4)),
                      static_cast<std::uint32_t>(a.lane(i, 4)), static_cast<std::uint32_t>(b.lane(i, 4)));
  });
}

}  // namespace

bool emulate_vnni(const Instruction& instruction, ProcessorState& state) {
  constexpr bool kBytes = false, kWords = true, kSigned = true, kUnsigned = false, kWraps = false,
                 kSaturates = true;
  switch (instruction.younger) {
    case Younger::vpdpbssd: run(instruction, state, {kBytes, kSigned, kSigned, kWraps}); return true;
    case Younger::vpdpbssds: run(instruction, state, {kBytes, kSigned, kSigned, kSaturates}); return true;
    case Younger::vpdpbsud: run(instruction, state, {kBytes, kSigned, kUnsigned, kWraps}); return true;
    case Younger::vpdpbsuds: run(instruction, state, {kBytes, kSigned, kUnsigned, kSaturates}); return true;
    case Younger::vpdpbuud: run(instruction, state, {kBytes, kUnsigned, kUnsigned, kWraps}); return true;
    case Younger::vpdpbuuds: run(instruction, state, {kBytes, kUnsigned, kUnsigned, kSaturates}); return true;
    default: break;
  }
  switch (instruction.decoded.mnemonic) {
    case ZYDIS_MNEMONIC_VPDPBUSD: run(instruction, state, {kBytes, kUnsigned, kSigned, kWraps}); return true;
    case ZYDIS_MNEMONIC_VPDPBUSDS:
      run(instruction, state, {kBytes, kUnsigned, kSigned, kSaturates});
      return true;
    case ZYDIS_MNEMONIC_VPDPWSSD: run(instruction, state, {kWords, kSigned, kSigned, kWraps}); return true;
    case ZYDIS_MNEMONIC_VPDPWSSDS:
      run(instruction, state, {kWords, kSigned, kSigned, kSaturates});
      return true;
    default: return false;
  }
}

}  // namespace burin::emulation
