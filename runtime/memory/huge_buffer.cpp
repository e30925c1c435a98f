#include "runtime/memory/huge_buffer.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "jit/error.hpp"

namespace burin::runtime {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

}  // namespace

HugeBuffer::HugeBuffer(std::size_t bytes, const char* what) : bytes_(bytes) {
  if (bytes == 0) return;
  // Whole huge pages where it is worth one, so that the kernel can use them.
  if (bytes_ >= kHugePage) bytes_ = (bytes_ + kHugePage - 1) / kHugePage * kHugePage;
  // One huge page more, of which what lies outside the aligned part is given back.
  const std::size_t mapped = bytes_ + (bytes_ >= kHugePage ? kHugePage : 0);
  void* base =
      mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) {
    const int reason = errno;
    bytes_ = 0;
    throw OutOfMemory(fmt::format("{}: {} bytes of memory are refused: {}: use a smaller context or model",
                                  what, bytes, std::strerror(reason)));
  }
  auto* first = static_cast<std::byte*>(base);
  if (mapped > bytes_) {
    const auto address = reinterpret_cast<std::uintptr_t>(base);
    const std::size_t head = (kHugePage - address % kHugePage) % kHugePage;
    if (head > 0) munmap(first, head);
    if (head < kHugePage) munmap(first + head + bytes_, kHugePage - head);
    first += head;
    madvise(first, bytes_, MADV_HUGEPAGE);  // advice: where refused, small pages do
  }
  data_ = first;
}

HugeBuffer::~HugeBuffer() {
  if (data_ != nullptr) munmap(data_, bytes_);
}

}  // namespace burin::runtime
