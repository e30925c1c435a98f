// Code from files: executable memory that was never writable, for hosts whose policy refuses to make written memory
// executable (systemd's MemoryDenyWriteExecute, PR_SET_MDWE).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace burin::jit {

// Owns a page-aligned mapping of an anonymous file that holds a copy of `bytes`, readable and executable. The file is
// sealed before it is mapped: nobody can write to it any more, not even this process. Thread-safe to execute.
class SealedMemory {
 public:
  // Throws burin::Error where the system refuses the file, its seals or the mapping.
  explicit SealedMemory(std::span<const std::uint8_t> bytes);
  ~SealedMemory();
  SealedMemory(const SealedMemory&) = delete;
  SealedMemory& operator=(const SealedMemory&) = delete;

  const std::uint8_t* data() const { return static_cast<const std::uint8_t*>(base_); }

 private:
  void* base_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace burin::jit
