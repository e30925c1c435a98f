// Xbyak with what every kernel needs: target-wide vector registers, constants, a frame, a finished image.
#pragma once

#include <xbyak/xbyak.h>

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "jit/code_image.hpp"
#include "jit/target.hpp"
#include "jit/unwind.hpp"
#include "jit/vector_isa.hpp"

namespace burin::jit {

// Emits one kernel: void(const void* arguments), System V. Deterministic: the same calls give the same bytes.
class Assembler : public Xbyak::CodeGenerator {
 public:
  explicit Assembler(const Target& target);
  ~Assembler() override;

  const Target& target() const { return target_; }
  VectorIsa& isa() const { return *isa_; }
  int vector_registers() const { return isa_->vector_registers(); }
  Vector vector(int index) const;
  int vector_bytes() const { return vector_bytes_; }
  int lanes() const { return vector_bytes_ / 4; }

  // Saves all callee-saved registers and reserves 64-byte-aligned stack of `locals` bytes at rsp.
  void begin_frame(int locals);
  // Restores them and returns.
  void end_frame();
  // Makes rbp one more register for what follows, its value kept `local` bytes above rsp, until reclaim_rbp() puts
  // it back. rsp must not move meanwhile where the caller is to be found from there (unwind.hpp).
  void lend_rbp(int local);
  void reclaim_rbp();

  // Address of a constant that is emitted behind the code; equal constants share one place.
  Xbyak::Address int32_constant(std::int32_t value);
  Xbyak::Address float_constant(float value);
  // A vector whose 32-bit lanes all hold `lane`, for instructions without an embedded broadcast.
  Xbyak::Address vector_constant(std::uint32_t lane);
  Xbyak::Address int32_vector_constant(const std::vector<std::int32_t>& lanes);
  Xbyak::Address float_vector_constant(std::span<const float> lanes);

  void broadcast_float(Vector to, float value) { vbroadcastss(to, float_constant(value)); }
  void zero(Vector v);

  // Emits the constants and hands over the code. Throws burin::Error when a label is undefined.
  CodeImage finish(std::string name);

 private:
  Xbyak::Address constant(const std::vector<std::uint32_t>& words);

  Target target_;
  int vector_bytes_;
  int locals_ = 0;
  int lent_rbp_ = 0;  // where its value is kept
  UnwindProgram unwind_;
  std::unique_ptr<VectorIsa> isa_;
  std::map<std::vector<std::uint32_t>, Xbyak::Label> constants_;
};

}  // namespace burin::jit
