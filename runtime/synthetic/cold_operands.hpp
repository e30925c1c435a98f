// Memory that no cache holds when it is read again.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>

#include "runtime/memory/huge_buffer.hpp"

namespace burin::runtime {

// Of every byte of made-up operands (kernel_call.hpp).
inline constexpr int kOperandByte = 0x3c;

inline HugeBuffer made_up_bytes(std::size_t bytes) {
  HugeBuffer buffer(std::max<std::size_t>(bytes, 64), "made-up operands");
  std::memset(buffer.data(), kOperandByte, buffer.size());
  return buffer;
}

// What operands that are only read have in common, one kernel's after another's: all their bytes are alike, and filling
// them takes longer than timing a kernel. Not thread-safe.
class ColdMemory {
 public:
  // So many bytes of other operands are read before the same one is again.
  explicit ColdMemory(std::size_t bytes) : bytes_(bytes) {}

  std::size_t bytes() const { return bytes_; }
  // At least so much.
  std::shared_ptr<const HugeBuffer> take(std::size_t bytes) {
    if (!memory_ || memory_->size() < bytes) {
      memory_.reset();  // first give back, then take
      memory_ = std::make_shared<const HugeBuffer>(made_up_bytes(bytes));
    }
    return memory_;
  }

 private:
  std::size_t bytes_;
  std::shared_ptr<const HugeBuffer> memory_;
};

// As many operands of `bytes` each as the memory's bytes are, and one more, used in turn; to be read only.
class ColdOperands {
 public:
  ColdOperands(std::size_t bytes, ColdMemory& memory)
      : bytes_((bytes + 63) / 64 * 64),
        count_(memory.bytes() / bytes_ + 1),
        memory_(memory.take(bytes_ * count_)) {}

  std::byte* operator[](std::size_t pass) const { return memory_->data() + bytes_ * (pass % count_); }

 private:
  std::size_t bytes_;
  std::size_t count_;
  std::shared_ptr<const HugeBuffer> memory_;
};

}  // namespace burin::runtime
