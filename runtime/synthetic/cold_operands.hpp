// Memory that no cache holds when it is read again.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "runtime/memory/huge_buffer.hpp"

namespace burin::runtime {

// Of every byte of made-up operands (kernel_call.hpp).
inline constexpr int kOperandByte = 0x3c;

inline HugeBuffer made_up_bytes(std::size_t bytes) {
  HugeBuffer buffer(std::max<std::size_t>(bytes, 64), "made-up operands");
  std::memset(buffer.data(), kOperandByte, buffer.size());
  return buffer;
}

// As many operands of `bytes` each as `cold_bytes` are, and one more, used in turn.
class ColdOperands {
 public:
  ColdOperands(std::size_t bytes, std::size_t cold_bytes)
      : bytes_((bytes + 63) / 64 * 64),
        count_(cold_bytes / bytes_ + 1),
        memory_(made_up_bytes(bytes_ * count_)) {}

  std::byte* operator[](std::size_t pass) const { return memory_.data() + bytes_ * (pass % count_); }

 private:
  std::size_t bytes_;
  std::size_t count_;
  HugeBuffer memory_;
};

}  // namespace burin::runtime
