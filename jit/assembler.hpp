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
#include "jit/register_roles.hpp"
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
  // For what its role says, from here on.
  Vector vector(int index, const Role& role) const;
  // The same of any register, which it returns: until it gets another role, or the RoleScope around ends.
  template <typename Register>
  Register name(const Register& reg, const Role& role) const {
    if (roles_) record_role(reg, role);
    return reg;
  }
  int vector_bytes() const { return vector_bytes_; }
  int lanes() const { return vector_bytes_ / 4; }

  // Both fetch a line that is read some 6 to 8 KB later, once or by several rows. On Intel's server CPUs, what prefetchnta
  // fetches passes the L2 cache by, and one core reads a third as fast; prefetcht0 fills the L1 too early. On Zen 4 and 5
  // (by their features), passing the L2 by is good: nothing is pushed out of it to the L3 (docs/PERFORMANCE.md).
  void prefetch_once(const Xbyak::Address& line);
  void prefetch_soon(const Xbyak::Address& line);

  // Saves all callee-saved registers and reserves 64-byte-aligned stack of `locals` bytes at rsp.
  void begin_frame(int locals);
  // The same, and moves the pointer to the arguments from rdi to a register of the kernel's.
  void begin_frame(int locals, const Xbyak::Reg64& arguments);
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
  bool is_zen_4_or_5() const;
  friend class RoleScope;
  void record_role(const Xbyak::Reg& reg, const Role& role) const;
  Xbyak::Address constant(const std::vector<std::uint32_t>& words);

  Target target_;
  int vector_bytes_;
  int locals_ = 0;
  int lent_rbp_ = 0;  // where its value is kept
  UnwindProgram unwind_;
  std::unique_ptr<RoleRecorder> roles_;  // where the target asks for them
  std::unique_ptr<VectorIsa> isa_;
  std::map<std::vector<std::uint32_t>, Xbyak::Label> constants_;
};

// Roles that registers get while it lives end with it: then they have those they had.
class RoleScope {
 public:
  explicit RoleScope(const Assembler& assembler) : a(assembler) {
    if (a.roles_) before_ = std::make_unique<Roles>(a.roles_->roles());
  }
  ~RoleScope() {
    if (before_) a.roles_->set_all(a.getSize(), *before_);
  }
  RoleScope(const RoleScope&) = delete;

  // None has a role.
  void clear() const {
    if (before_) a.roles_->set_all(a.getSize(), {});
  }

 private:
  const Assembler& a;
  std::unique_ptr<Roles> before_;
};

}  // namespace burin::jit
