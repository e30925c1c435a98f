#include "tests/emulation/alternative_stack.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <system_error>

namespace burin::emulation {
namespace {

constexpr std::size_t kGuard = 4096;
// Sanitizers make the frames of the emulator several times larger.
constexpr std::size_t kStack = 256 * 1024;

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

}  // namespace

AlternativeStack::AlternativeStack() {
  base_ = mmap(nullptr, kGuard + kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base_ == MAP_FAILED) fail("mmap of a signal stack");
  stack_t stack = {};
  stack.ss_sp = static_cast<std::byte*>(base_) + kGuard;
  stack.ss_size = kStack;
  if (mprotect(base_, kGuard, PROT_NONE) != 0 || sigaltstack(&stack, &previous_) != 0) {
    munmap(base_, kGuard + kStack);
    fail("sigaltstack");
  }
}

AlternativeStack::~AlternativeStack() {
  sigaltstack(&previous_, nullptr);
  munmap(base_, kGuard + kStack);
}

}  // namespace burin::emulation
