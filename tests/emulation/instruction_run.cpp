#include "tests/emulation/instruction_run.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <span>
#include <vector>

#include "jit/executable_memory.hpp"
#include "jit/target.hpp"
#include "tests/emulation/emulate.hpp"
#include "tests/emulation/emulator.hpp"

namespace burin::emulation {
namespace {

using namespace Xbyak::util;

// A signal frame as the kernel would write it, with room for all components the CPU has.
class MadeUpFrame {
 public:
  explicit MadeUpFrame(const Registers& from) : area_(xsave_bytes() / sizeof(Chunk) + 1) {
    std::memset(&context_, 0, sizeof(context_));
    const std::uint32_t magic = 0x46505853;
    std::uint64_t components = 0;
    for (const int component : {1, 2, 5, 6, 7})
      if (xsave_offset(component) != 0) components |= std::uint64_t{1} << component;
    std::memcpy(bytes() + 464, &magic, sizeof(magic));
    std::memcpy(bytes() + 472, &components, sizeof(components));
    context_.uc_mcontext.fpregs = reinterpret_cast<fpregset_t>(area_.data());
    for (int i = 0; i < 32; ++i) state().set_vector(i, from.vector[static_cast<std::size_t>(i)]);
    for (int i = 0; i < 8; ++i) state().set_mask(i, from.mask[static_cast<std::size_t>(i)]);
    for (int i = 0; i < 16; ++i) state().set_general(i, from.general[static_cast<std::size_t>(i)]);
    state().set_flags(from.flags);
    state().set_mxcsr(static_cast<std::uint32_t>(from.mxcsr));
  }

  ProcessorState state() { return ProcessorState(context_); }

  Registers registers() {
    Registers to;
    for (int i = 0; i < 32; ++i) to.vector[static_cast<std::size_t>(i)] = state().vector(i);
    for (int i = 0; i < 8; ++i) to.mask[static_cast<std::size_t>(i)] = state().mask(i);
    for (int i = 0; i < 16; ++i) to.general[static_cast<std::size_t>(i)] = state().general(i);
    to.flags = state().flags();
    to.mxcsr = state().mxcsr();
    return to;
  }

 private:
  struct alignas(64) Chunk {
    std::uint8_t bytes[64] = {};
  };
  std::uint8_t* bytes() { return area_[0].bytes; }

  ucontext_t context_;
  std::vector<Chunk> area_;
};

// void(const Registers* before, Registers* after)
class Trampoline : public Xbyak::CodeGenerator {
 public:
  explicit Trampoline(const Emit& emit) : Xbyak::CodeGenerator(8192) {
    for (const Xbyak::Reg64& saved : {rbx, rbp, r12, r13, r14, r15}) push(saved);
    push(rsi);
    mov(rax, rdi);
    ldmxcsr(dword[rax + offsetof(Registers, mxcsr)]);
    for (int i = 0; i < 32; ++i) vmovups(Xbyak::Zmm(i), at(0, 64, i));
    for (int i = 0; i < 8; ++i) kmovq(Xbyak::Opmask(i), at(offsetof(Registers, mask), 8, i));
    push(qword[rax + offsetof(Registers, flags)]);
    popfq();
    for (int i = 15; i >= 0; --i)
      if (i != kRsp) mov(Xbyak::Reg64(i), general(i));
    emit(*this);
    push(rax);
    mov(rax, ptr[rsp + 8]);
    for (int i = 1; i < 16; ++i)
      if (i != kRsp) mov(general(i), Xbyak::Reg64(i));
    pop(rcx);
    mov(general(0), rcx);
    pushfq();
    pop(rcx);
    mov(ptr[rax + offsetof(Registers, flags)], rcx);
    for (int i = 0; i < 32; ++i) vmovups(at(0, 64, i), Xbyak::Zmm(i));
    for (int i = 0; i < 8; ++i) kmovq(at(offsetof(Registers, mask), 8, i), Xbyak::Opmask(i));
    stmxcsr(dword[rax + offsetof(Registers, mxcsr)]);
    vzeroupper();
    pop(rsi);
    for (const Xbyak::Reg64& saved : {r15, r14, r13, r12, rbp, rbx}) pop(saved);
    ret();
  }

 private:
  Xbyak::Address general(int i) const { return at(offsetof(Registers, general), 8, i); }
  Xbyak::Address at(std::size_t offset, std::size_t bytes, int index) const {
    return ptr[rax + (offset + bytes * static_cast<std::size_t>(index))];
  }
};

jit::ExecutableMemory load(const Xbyak::CodeGenerator& code) {
  return jit::ExecutableMemory(std::span(code.getCode(), code.getSize()));
}

}  // namespace

Registers random_registers(tests::RandomValues& random) {
  Registers registers;
  for (VectorBytes& vector : registers.vector)
    for (std::uint8_t& byte : vector) byte = static_cast<std::uint8_t>(random.bits());
  for (std::uint64_t& mask : registers.mask) mask = random.bits();
  for (std::uint64_t& general : registers.general) general = random.bits();
  return registers;
}

Registers run_emulated(const Emit& emit, const Registers& before) {
  Xbyak::CodeGenerator code;
  emit(code);
  const jit::ExecutableMemory memory = load(code);
  MadeUpFrame frame(before);
  const auto begin = reinterpret_cast<std::uint64_t>(memory.entry());
  ProcessorState state = frame.state();
  state.set_rip(begin);
  while (state.rip() < begin + code.getSize()) {
    Instruction instruction;
    decode(state.rip(), instruction);
    emulate_instruction(instruction, state);
  }
  EXPECT_EQ(state.rip(), begin + code.getSize());
  return frame.registers();
}

Registers run_on_cpu(const Emit& emit, const Registers& before) {
  const Trampoline code(emit);
  const jit::ExecutableMemory memory = load(code);
  Registers after = before;
  const std::uint32_t control = __builtin_ia32_stmxcsr();
  reinterpret_cast<void (*)(const Registers*, Registers*)>(const_cast<void*>(memory.entry()))(&before,
                                                                                              &after);
  __builtin_ia32_ldmxcsr(control);
  return after;
}

Registers run(const Emit& emit, const Registers& before) {
  const Registers emulated = run_emulated(emit, before);
  if (!jit::host_target().has(jit::Feature::avx512)) return emulated;
  const EmulatedCpu cpu;
  Registers on_cpu = run_on_cpu(emit, before);
  // Which exceptions would be raised is not emulated.
  on_cpu.mxcsr = (on_cpu.mxcsr & ~std::uint64_t{0x3f}) | (emulated.mxcsr & 0x3f);
  for (std::size_t i = 0; i < 32; ++i) EXPECT_EQ(emulated.vector[i], on_cpu.vector[i]) << "zmm" << i;
  EXPECT_EQ(emulated.mask, on_cpu.mask);
  EXPECT_EQ(emulated.general, on_cpu.general);
  EXPECT_EQ(emulated.flags, on_cpu.flags);
  EXPECT_EQ(emulated.mxcsr, on_cpu.mxcsr);
  return emulated;
}

}  // namespace burin::emulation
