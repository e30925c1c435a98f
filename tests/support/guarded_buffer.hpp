// Memory between inaccessible pages, so that a kernel that reads or writes outside its buffers faults.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <stdexcept>

namespace burin::tests {

// `bytes` flush against the page behind them (shifted down to a multiple of `alignment`); the slack in front
// is filled with 0xcd.
class GuardedBuffer {
 public:
  explicit GuardedBuffer(std::size_t bytes, std::size_t alignment = 64) : bytes_(bytes) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    inner_ = (bytes + alignment + page - 1) / page * page;
    mapped_ = inner_ + 2 * page;
    void* base = mmap(nullptr, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) throw std::bad_alloc();
    base_ = static_cast<std::byte*>(base);
    mprotect(base_ + page, inner_, PROT_READ | PROT_WRITE);
    std::memset(base_ + page, 0xcd, inner_);
    data_ = base_ + page + (inner_ - bytes) / alignment * alignment;
    std::memset(data_, 0, bytes);
  }
  ~GuardedBuffer() { munmap(base_, mapped_); }
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;

  template <typename Value = std::byte>
  Value* as() const {
    return reinterpret_cast<Value*>(data_);
  }
  std::size_t size() const { return bytes_; }

 private:
  std::byte* base_ = nullptr;
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t inner_ = 0;
  std::size_t mapped_ = 0;
};

}  // namespace burin::tests
