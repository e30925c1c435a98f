#include "jit/executable_memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "jit/error.hpp"

namespace burin::jit {

ExecutableMemory::ExecutableMemory(std::span<const std::uint8_t> code) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  size_ = (code.size() + page - 1) / page * page;
  base_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base_ == MAP_FAILED) {
    base_ = nullptr;
    throw OutOfMemory(
        fmt::format("kernel memory: {} bytes cannot be mapped: {}", size_, std::strerror(errno)));
  }
  std::memcpy(base_, code.data(), code.size());
  if (mprotect(base_, size_, PROT_READ | PROT_EXEC) != 0) {
    const int reason = errno;
    munmap(base_, size_);
    fail("kernel memory: {} bytes cannot be made executable: {}", size_, std::strerror(reason));
  }
}

ExecutableMemory::~ExecutableMemory() {
  if (base_ != nullptr) munmap(base_, size_);
}

ExecutableMemory::ExecutableMemory(ExecutableMemory&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)), size_(std::exchange(other.size_, 0)) {}

ExecutableMemory& ExecutableMemory::operator=(ExecutableMemory&& other) noexcept {
  std::swap(base_, other.base_);
  std::swap(size_, other.size_);
  return *this;
}

}  // namespace burin::jit
