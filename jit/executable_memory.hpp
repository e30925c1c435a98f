// Memory that is written first and executed afterwards, never both (W^X).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace burin::jit {

// Owns one page-aligned mapping that holds a copy of `code`, readable and executable, not writable.
// Movable; thread-safe to execute.
class ExecutableMemory {
 public:
  // Throws burin::Error where the system refuses the mapping or its re-protection.
  explicit ExecutableMemory(std::span<const std::uint8_t> code);
  ~ExecutableMemory();
  ExecutableMemory(ExecutableMemory&& other) noexcept;
  ExecutableMemory& operator=(ExecutableMemory&& other) noexcept;
  ExecutableMemory(const ExecutableMemory&) = delete;
  ExecutableMemory& operator=(const ExecutableMemory&) = delete;

  const void* entry() const { return base_; }
  std::size_t size() const { return size_; }

 private:
  void* base_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace burin::jit
