// The loop that kernels of rows have in common.
#pragma once

#include <utility>

#include "jit/assembler.hpp"

namespace burin::kernels {

// Emits a loop that runs body() `rows` times, counting the register down; not at all where it is not positive.
template <typename Body>
void emit_row_loop(jit::Assembler& a, const Xbyak::Reg64& rows, Body&& body) {
  constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;
  Xbyak::Label loop;
  Xbyak::Label done;
  a.test(rows, rows);
  a.jle(done, kNear);
  a.L(loop);
  std::forward<Body>(body)();
  a.dec(rows);
  a.jnz(loop, kNear);
  a.L(done);
}

}  // namespace burin::kernels
