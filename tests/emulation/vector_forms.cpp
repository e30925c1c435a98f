#include "tests/emulation/vector_forms.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/emulation/cpu_reference.hpp"
#include "tests/emulation/instruction_run.hpp"
#include "tests/support/guarded_buffer.hpp"

namespace burin::emulation {
namespace {

using Xbyak::Operand;
using Xbyak::Xmm;

struct Form {
  int bits = 128;
  int mask = 0;
  bool zeroing = false;
  bool memory = false;
  bool broadcast = false;
  bool high = false;  // registers 16 and up
  Rounding rounding = Rounding::nearest_even;
  bool embedded = false;
  int displacement = 0;
};

std::string text_of(const Form& form) {
  return std::to_string(form.bits) + " bits, k" + std::to_string(form.mask) + (form.zeroing ? "{z}" : "") +
         (form.memory ? ", memory + " + std::to_string(form.displacement) : "") +
         (form.broadcast ? ", broadcast" : "") + ", rounding " +
         std::to_string(static_cast<int>(form.rounding)) + (form.embedded ? " embedded" : "");
}

std::uint64_t lane_bits(const VectorBytes& vector, int index, int bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, vector.data() + static_cast<std::size_t>(index * bytes),
              static_cast<std::size_t>(bytes));
  return value;
}
void set_lane_bits(VectorBytes& vector, int index, int bytes, std::uint64_t value) {
  std::memcpy(vector.data() + static_cast<std::size_t>(index * bytes), &value,
              static_cast<std::size_t>(bytes));
}

Xmm vector_register(int bits, int number) {
  return Xmm(bits <= 128 ? Operand::XMM : bits == 256 ? Operand::YMM : Operand::ZMM, number);
}

class FormCheck {
 public:
  FormCheck(const VectorInstruction& instruction, const Form& form, tests::RandomValues& random)
      : it_(instruction),
        form_(form),
        wider_(std::max(it_.to_bytes, it_.from_bytes)),
        lanes_(it_.scalar ? 1 : form.bits / 8 / wider_),
        memory_(static_cast<std::size_t>(it_.from_bytes * (form.broadcast ? 1 : lanes_)), 1) {
    before_ = random_registers(random);
    before_.flags = 0x202;
    before_.mxcsr = 0x1f80;
    if (!form.embedded) before_.mxcsr |= static_cast<std::uint64_t>(form.rounding) << 13;
    // The other way round, to see that it is not what counts.
    if (form.embedded) before_.mxcsr |= (3 - static_cast<std::uint64_t>(form.rounding)) << 13;
    for (int i = 0; i < 64 / it_.to_bytes; ++i)
      for (const int number : {to_, a_})
        set_lane_bits(vector(number), i, it_.to_bytes, it_.fill(random, it_.to_bytes));
    for (int i = 0; i < 64 / it_.from_bytes; ++i)
      set_lane_bits(vector(b_), i, it_.from_bytes, it_.fill(random, it_.from_bytes));
    std::memcpy(memory_.as(), vector(b_).data(), memory_.size());
    // rcx + 2 * r8 + displacement
    before_.general[kR8] = static_cast<std::uint64_t>(random.below(100)) * 4;
    before_.general[kRcx] = reinterpret_cast<std::uint64_t>(memory_.as()) - 2 * before_.general[kR8] -
                            static_cast<std::uint64_t>(form.displacement);
  }

  void run_and_compare() {
    const Emit code = [&](Xbyak::CodeGenerator& to) { emit(to); };
    const Registers after = it_.approximate ? run_emulated(code, before_) : run(code, before_);
    if (it_.compute == nullptr) return;
    const Registers expected = expect();
    for (int i = 0; i < 64 / it_.to_bytes; ++i)
      ASSERT_EQ(lane_bits(after.vector[index(to_)], i, it_.to_bytes),
                lane_bits(expected.vector[index(to_)], i, it_.to_bytes))
          << std::hex << "lane " << i << " of " << lane_bits(vector(to_), i, it_.to_bytes) << " "
          << lane_bits(vector(a_), i, it_.to_bytes) << " " << source_lane(i % lanes_);
    ASSERT_EQ(after, expected);
  }

 private:
  static std::size_t index(int number) { return static_cast<std::size_t>(number); }
  VectorBytes& vector(int number) { return before_.vector[index(number)]; }
  std::uint64_t source_lane(int i) { return lane_bits(vector(b_), form_.broadcast ? 0 : i, it_.from_bytes); }

  void emit(Xbyak::CodeGenerator& code) const {
    const int to_bits = it_.scalar ? 128 : form_.bits * it_.to_bytes / wider_;
    const int from_bits = it_.scalar ? 128 : form_.bits * it_.from_bytes / wider_;
    Xmm to = vector_register(to_bits, to_);
    to.setOpmaskIdx(form_.mask);
    if (form_.zeroing) to.setZero();
    const Xmm a = vector_register(to_bits, a_);
    if (form_.memory) {
      const int bits = it_.scalar ? it_.from_bytes * 8 : from_bits;
      it_.emit(code, to, a,
               Xbyak::Address(
                   static_cast<std::uint32_t>(bits), form_.broadcast,
                   Xbyak::util::rcx + Xbyak::util::r8 * 2 + static_cast<std::size_t>(form_.displacement)));
      return;
    }
    const Xmm b = vector_register(from_bits, b_);
    if (!form_.embedded) return it_.emit(code, to, a, b);
    if (it_.embedded == Embedded::exceptions_off) return it_.emit(code, to, a, b | Xbyak::util::T_sae);
    switch (form_.rounding) {
      case Rounding::nearest_even: return it_.emit(code, to, a, b | Xbyak::util::T_rn_sae);
      case Rounding::down: return it_.emit(code, to, a, b | Xbyak::util::T_rd_sae);
      case Rounding::up: return it_.emit(code, to, a, b | Xbyak::util::T_ru_sae);
      case Rounding::toward_zero: return it_.emit(code, to, a, b | Xbyak::util::T_rz_sae);
    }
  }

  Registers expect() {
    Registers expected = before_;
    VectorBytes& to = expected.vector[index(to_)];
    to = {};
    if (it_.scalar) std::memcpy(to.data(), vector(it_.keeps_upper ? to_ : a_).data(), 16);
    const std::uint64_t mask = form_.mask == 0 ? ~std::uint64_t{0} : before_.mask[index(form_.mask)];
    for (int i = 0; i < lanes_; ++i) {
      const std::uint64_t old = lane_bits(vector(to_), i, it_.to_bytes);
      const LaneInput input{old, lane_bits(vector(a_), i, it_.to_bytes), source_lane(i), i, form_.rounding};
      const bool active = (mask >> i & 1) != 0;
      set_lane_bits(to, i, it_.to_bytes, active ? it_.compute(input) : form_.zeroing ? 0 : old);
    }
    return expected;
  }

  const VectorInstruction& it_;
  const Form form_;
  const int wider_;
  const int lanes_;
  const int to_ = form_.high ? 17 : 1, a_ = form_.high ? 22 : 2, b_ = form_.high ? 31 : 3;
  tests::GuardedBuffer memory_;
  Registers before_;
};

void check(const VectorInstruction& instruction, const Form& form, tests::RandomValues& random) {
  SCOPED_TRACE(std::string(instruction.name) + ": " + text_of(form));
  FormCheck(instruction, form, random).run_and_compare();
}

void check_length(const VectorInstruction& instruction, int bits, tests::RandomValues& random) {
  const int wider = std::max(instruction.to_bytes, instruction.from_bytes);
  const int operand_bytes =
      instruction.scalar ? instruction.from_bytes : bits / 8 * instruction.from_bytes / wider;
  for (const Rounding rounding : kRoundings) check(instruction, {.bits = bits, .rounding = rounding}, random);
  for (const int displacement : {0, 3 * operand_bytes, -2 * operand_bytes, 3 * operand_bytes + 1, 0x12340})
    check(instruction, {.bits = bits, .memory = true, .displacement = displacement}, random);
  if (instruction.vex) return;
  check(instruction, {.bits = bits, .high = true}, random);
  for (const bool zeroing : {false, true}) {
    check(instruction, {.bits = bits, .mask = 3, .zeroing = zeroing}, random);
    check(instruction, {.bits = bits, .mask = 5, .zeroing = zeroing, .memory = true}, random);
    if (instruction.scalar || !instruction.broadcasts) continue;
    for (const int displacement : {0, 5 * instruction.from_bytes, 0x12341})
      check(instruction,
            {.bits = bits,
             .mask = 7,
             .zeroing = zeroing,
             .memory = true,
             .broadcast = true,
             .displacement = displacement},
            random);
  }
  if (instruction.embedded == Embedded::nothing || (bits != 512 && !instruction.scalar)) return;
  if (instruction.embedded == Embedded::exceptions_off)
    return check(instruction, {.bits = bits, .mask = 2, .rounding = Rounding::down, .embedded = true},
                 random);
  for (const Rounding rounding : kRoundings)
    check(instruction, {.bits = bits, .mask = 2, .rounding = rounding, .embedded = true}, random);
}

}  // namespace

void check_all_forms(const VectorInstruction& instruction, std::uint64_t seed) {
  tests::RandomValues random(seed);
  if (instruction.scalar) return check_length(instruction, 128, random);
  for (const int bits : {128, 256, 512})
    if (bits != 512 || !instruction.vex) check_length(instruction, bits, random);
}

std::uint64_t any_bits(tests::RandomValues& random, int bytes) { return random.bits() >> (64 - 8 * bytes); }

std::uint64_t any_float(tests::RandomValues& random, int bytes) {
  if (bytes == 2) return random_half(random);
  const std::uint64_t bits = any_bits(random, bytes);
  const int kind = static_cast<int>(random.below(8));
  if (kind == 0) return bits;
  const int fraction_bits = bytes == 4 ? 23 : 52;
  const std::uint64_t sign_and_fraction = bits & ~((bytes == 4 ? 0xffull : 0x7ffull) << fraction_bits);
  const int bias = bytes == 4 ? 127 : 1023;
  if (kind == 1) return sign_and_fraction;  // a denormal
  return sign_and_fraction | static_cast<std::uint64_t>(bias - 27 + random.below(46)) << fraction_bits;
}

std::uint64_t any_integer(tests::RandomValues& random, int bytes) {
  const auto value = static_cast<std::int64_t>(random.bits()) >> (64 - 8 * bytes + random.below(8 * bytes));
  return static_cast<std::uint64_t>(value) & (~std::uint64_t{0} >> (64 - 8 * bytes));
}

}  // namespace burin::emulation
