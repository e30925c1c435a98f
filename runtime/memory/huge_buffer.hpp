// Zeroed memory for weights, caches and activations, on huge pages where the system gives them.
#pragma once

#include <cstddef>
#include <utility>

namespace burin::runtime {

// Page-aligned; pages are allocated on first touch. Movable. Throws burin::Error naming `what` and the size
// where memory is refused.
class HugeBuffer {
 public:
  HugeBuffer() = default;
  HugeBuffer(std::size_t bytes, const char* what);
  ~HugeBuffer();
  HugeBuffer(HugeBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  HugeBuffer& operator=(HugeBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  HugeBuffer(const HugeBuffer&) = delete;
  HugeBuffer& operator=(const HugeBuffer&) = delete;

  std::byte* data() const { return data_; }
  std::size_t size() const { return bytes_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace burin::runtime
