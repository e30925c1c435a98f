// Memory of 64 slots of a KV cache, shared by sequences until one of them writes to it.
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

#include "runtime/memory/huge_buffer.hpp"

namespace burin::runtime {

// A reference to a block, or to none. Copies refer to the same block; the last one frees it. References to one block
// may be used by different threads, each by one at a time.
class KvBlock {
 public:
  KvBlock() = default;
  // A zeroed block. Throws burin::Error where memory is refused.
  explicit KvBlock(std::size_t bytes);
  ~KvBlock() { release(); }
  KvBlock(const KvBlock& other) : shared_(other.shared_) {
    if (shared_ != nullptr) shared_->references.fetch_add(1, std::memory_order_relaxed);
  }
  KvBlock(KvBlock&& other) noexcept : shared_(std::exchange(other.shared_, nullptr)) {}
  KvBlock& operator=(KvBlock other) noexcept {
    std::swap(shared_, other.shared_);
    return *this;
  }

  bool empty() const { return shared_ == nullptr; }
  std::byte* data() const { return shared_->memory.data(); }
  // Whether nothing else refers to it, so that it may be written to.
  bool alone() const { return shared_->references.load(std::memory_order_acquire) == 1; }
  // A block of its own with the same contents.
  KvBlock copy() const;

 private:
  struct Shared {
    explicit Shared(std::size_t bytes) : memory(bytes, "KV cache") {}
    std::atomic<std::size_t> references{1};
    HugeBuffer memory;
  };

  void release() {
    if (shared_ != nullptr && shared_->references.fetch_sub(1, std::memory_order_acq_rel) == 1)
      delete shared_;
  }

  Shared* shared_ = nullptr;
};

}  // namespace burin::runtime
