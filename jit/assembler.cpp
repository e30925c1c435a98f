#include "jit/assembler.hpp"

#include <bit>
#include <cstring>

#include "jit/error.hpp"

namespace burin::jit {
namespace {

constexpr std::size_t kLargestKernel = 4u << 20;

const Xbyak::Reg64 kSaved[] = {Xbyak::util::rbx, Xbyak::util::r12, Xbyak::util::r13, Xbyak::util::r14,
                               Xbyak::util::r15};

std::size_t number_of(const Xbyak::Reg& reg) {
  if (reg.isREG()) return register_number(RegisterFile::general, reg.getIdx());
  if (reg.isOPMASK()) return register_number(RegisterFile::mask, reg.getIdx());
  if (reg.isTMM()) return register_number(RegisterFile::tile, reg.getIdx());
  return register_number(RegisterFile::vector, reg.getIdx());
}

}  // namespace

// DontSetProtectRWE: the buffer is plain memory, the code runs elsewhere (ExecutableMemory).
// clang-format off
Assembler::Assembler(const Target& target) try
    : Xbyak::CodeGenerator(kLargestKernel, Xbyak::DontSetProtectRWE),
      target_(target),
      vector_bytes_(target.has(Feature::avx512) ? 64 : 32),
      roles_(target.roles ? std::make_unique<RoleRecorder>() : nullptr),
      isa_(make_vector_isa(*this, target)) {
} catch (const Xbyak::Error& error) {
  if (static_cast<int>(error) != Xbyak::ERR_CANT_ALLOC) throw;
  throw OutOfMemory(fmt::format("assembler: {} bytes of memory are refused", kLargestKernel));
}
// clang-format on

Assembler::~Assembler() = default;

Vector Assembler::vector(int index, const Role& role) const {
  if (index < 0 || index >= isa_->vector_registers())
    fail("kernel: {} fits no register: it would be vector register {} where '{}' has {}", to_text(role),
         index, target_.name, isa_->vector_registers());
  if (vector_bytes_ == 64) return name(Xbyak::Zmm(index), role);
  return name(Xbyak::Ymm(index), role);
}

void Assembler::record_role(const Xbyak::Reg& reg, const Role& role) const {
  roles_->set(getSize(), number_of(reg), role);
}

void Assembler::prefetch_once(const Xbyak::Address& line) {
  is_zen_4_or_5() ? prefetchnta(line) : prefetcht1(line);
}
void Assembler::prefetch_soon(const Xbyak::Address& line) {
  is_zen_4_or_5() ? prefetcht0(line) : prefetcht1(line);
}

bool Assembler::is_zen_4_or_5() const {
  return target_.has(Feature::avx512bf16) && target_.has(Feature::avx512vbmi) &&
         !target_.has(Feature::avx512fp16);
}

void Assembler::begin_frame(int locals) {
  const RoleScope scope(*this);
  scope.clear();  // values of the caller
  locals_ = (locals + 63) / 64 * 64;
  push(rbp);
  const std::size_t pushed = getSize();
  mov(rbp, rsp);
  const std::size_t framed = getSize();
  for (const Xbyak::Reg64& reg : kSaved) push(reg);
  unwind_.enter(pushed, framed, getSize());
  and_(rsp, static_cast<std::uint32_t>(-64));
  if (locals_ > 0) sub(rsp, static_cast<std::uint32_t>(locals_));
}

void Assembler::begin_frame(int locals, const Xbyak::Reg64& arguments) {
  begin_frame(locals);
  const RoleScope scope(*this);
  mov(name(arguments, "arguments"), name(rdi, "arguments"));
}

void Assembler::end_frame() {
  const RoleScope scope(*this);
  scope.clear();
  vzeroupper();
  lea(rsp, ptr[rbp - 8 * static_cast<int>(std::size(kSaved))]);
  for (std::size_t i = std::size(kSaved); i > 0; --i) pop(kSaved[i - 1]);
  pop(rbp);
  const std::size_t popped = getSize();
  ret();
  unwind_.leave(popped, getSize());
}

void Assembler::lend_rbp(int local) {
  lent_rbp_ = local;
  mov(ptr[rsp + offset(local)], rbp);
  unwind_.lend_rbp(getSize(), local);
}

void Assembler::reclaim_rbp() {
  mov(name(rbp, {}), ptr[rsp + offset(lent_rbp_)]);
  unwind_.reclaim_rbp(getSize());
}

Xbyak::Address Assembler::constant(const std::vector<std::uint32_t>& words) {
  return ptr[rip + constants_[words]];
}

Xbyak::Address Assembler::int32_constant(std::int32_t value) {
  return constant({std::bit_cast<std::uint32_t>(value)});
}

Xbyak::Address Assembler::float_constant(float value) {
  return constant({std::bit_cast<std::uint32_t>(value)});
}

Xbyak::Address Assembler::vector_constant(std::uint32_t lane) {
  return constant(std::vector<std::uint32_t>(static_cast<std::size_t>(lanes()), lane));
}

Xbyak::Address Assembler::int32_vector_constant(const std::vector<std::int32_t>& lanes) {
  std::vector<std::uint32_t> words;
  for (const std::int32_t lane : lanes) words.push_back(std::bit_cast<std::uint32_t>(lane));
  return constant(words);
}

Xbyak::Address Assembler::float_vector_constant(std::span<const float> lanes) {
  std::vector<std::uint32_t> words;
  for (const float lane : lanes) words.push_back(std::bit_cast<std::uint32_t>(lane));
  return constant(words);
}

void Assembler::zero(Vector v) {
  // The 128-bit VEX form clears the whole register and is the shortest where the register allows it.
  if (v.getIdx() < 16)
    vpxor(Xbyak::Xmm(v.getIdx()), Xbyak::Xmm(v.getIdx()), Xbyak::Xmm(v.getIdx()));
  else
    isa_->bit_xor(v, v, v);
}

CodeImage Assembler::finish(std::string name) {
  const auto code_size = static_cast<std::uint32_t>(getSize());
  for (auto& [words, label] : constants_) {
    align(words.size() * 4 >= 32 ? kCodeAlignment : 4, false);
    L(label);
    for (const std::uint32_t value : words) dd(value);
  }
  if (hasUndefinedLabel()) fail("kernel {}: undefined label", name);
  const std::uint8_t* code = getCode();
  CodeImage image = {std::move(name), target_.features, code_size, {code, code + getSize()}, unwind_.bytes()};
  if (roles_) image.roles = roles_->changes();
  return image;
}

}  // namespace burin::jit
