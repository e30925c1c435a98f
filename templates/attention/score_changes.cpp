// What happens to scores between the dot products and the softmax: soft cap, ALiBi, and the keys a row does not
// see. Scores are exponents of two.
#include <bit>
#include <vector>

#include "templates/attention/attention_emitter.hpp"
#include "templates/math/exp2.hpp"
#include "templates/math/tanh.hpp"

namespace burin::kernels {
namespace {

constexpr float kLowest = -1e30f;

Xbyak::Address lanes(jit::Assembler& a, float value) {
  return a.vector_constant(std::bit_cast<std::uint32_t>(value));
}

}  // namespace

void ScoreChanges::emit_start() {
  a.vmovups(lowest(), lanes(a, kLowest));
  if (!c_.spec.soft_cap) return;
  a.vbroadcastss(cap_factor(), a.dword[c_.r.arguments + offsetof(AttentionArguments, cap)]);
  a.vmulps(cap_factor(), cap_factor(), lanes(a, kLog2E));
}

void ScoreChanges::emit_row(const Xbyak::Reg64& free) {
  if (!c_.spec.alibi) return;
  const Xbyak::Xmm low(slope().getIdx());
  c_.load_of_head(low, offsetof(AttentionArguments, slopes), heads_left_, free);
  a.vmulss(low, low, a.float_constant(kLog2E));
  a.vbroadcastss(slope(), low);
  const jit::RoleScope scope(a);
  a.name(free, "first_distance");
  // The first key of the chunk is reach - 1 positions before the row's own.
  const Xbyak::Xmm first(distance().getIdx());
  a.mov(free, c_.local(c_.locals.first_score));
  a.shr(free, 2);
  a.inc(free);
  a.sub(free, reach_);
  a.vxorps(first, first, first);
  a.vcvtsi2ss(first, first, free);
  a.vbroadcastss(distance(), first);
  std::vector<std::int32_t> numbers;
  for (int i = 0; i < a.lanes(); ++i) numbers.push_back(std::bit_cast<std::int32_t>(static_cast<float>(i)));
  a.vaddps(distance(), distance(), a.int32_vector_constant(numbers));
}

void ScoreChanges::emit(jit::Vector value, const Xbyak::RegExp& at, const Keys& keys,
                        const jit::Vector (&scratch)[3]) {
  if (c_.spec.soft_cap) cap(value, scratch);
  if (c_.spec.alibi) add_slope(value);
  if (c_.spec.soft_cap || c_.spec.alibi) a.vmovups(a.ptr[at], value);
  hide(value, at, keys, scratch);
}

// value = kTanhScale s / cap becomes log2(e) cap tanh(s / cap).
void ScoreChanges::cap(jit::Vector value, const jit::Vector (&scratch)[3]) {
  emit_tanh(a, value, scratch[0], scratch[1]);
  a.vmulps(value, value, cap_factor());
}

void ScoreChanges::add_slope(jit::Vector value) {
  a.vfmadd231ps(value, slope(), distance());
  a.vaddps(distance(), distance(), lanes(a, static_cast<float>(a.lanes())));
}

// Keys after the row's own or behind the span, and those before the span or the row's window, get the lowest score.
void ScoreChanges::hide(jit::Vector value, const Xbyak::RegExp& at, const Keys& keys,
                        const jit::Vector (&scratch)[3]) {
  Xbyak::Label none_after;
  Xbyak::Label none_before;
  a.cmp(keys.left, c_.u32(a.lanes()));
  a.jge(none_after);
  a.isa().keep_first_lanes(value, keys.left, lowest(), scratch[0]);
  a.vmovups(a.ptr[at], value);
  a.L(none_after);
  a.test(keys.hidden, keys.hidden);
  a.jle(none_before);
  a.isa().copy(scratch[1], lowest());
  a.isa().keep_first_lanes(scratch[1], keys.hidden, value, scratch[0]);
  a.isa().copy(value, scratch[1]);
  a.vmovups(a.ptr[at], value);
  a.L(none_before);
}

}  // namespace burin::kernels
