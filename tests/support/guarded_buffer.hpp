// Memory between inaccessible pages, so that a kernel that reads or writes outside its buffers faults.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <stdexcept>

namespace burin::tests {

// Where buffers lie between their pages.
enum class GuardedPlace {
  end,    // flush against the page behind, but for the alignment
  start,  // behind the page in front; what need not be at a multiple of 64 is at none
};

// While one lives, buffers that this thread makes lie there; at the end otherwise.
class GuardedPlaces {
 public:
  explicit GuardedPlaces(GuardedPlace place) : before_(current()) { current() = place; }
  ~GuardedPlaces() { current() = before_; }
  GuardedPlaces(const GuardedPlaces&) = delete;

  static GuardedPlace& current() {
    thread_local GuardedPlace place = GuardedPlace::end;
    return place;
  }

 private:
  GuardedPlace before_;
};

// `bytes` at a multiple of `alignment`. What is left of the pages on either side is filled with 0xcd, and must be at the
// end of the buffer's life.
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
    std::memset(base_ + page, kSlack, inner_);
    slack_ = (inner_ - bytes) / alignment * alignment;
    if (GuardedPlaces::current() == GuardedPlace::start) slack_ = alignment < 64 ? alignment : 0;
    data_ = base_ + page + slack_;
    std::memset(data_, 0, bytes);
  }
  ~GuardedBuffer() {
    EXPECT_TRUE(is_slack(data_ - slack_, slack_)) << "bytes in front of a buffer were written";
    EXPECT_TRUE(is_slack(data_ + bytes_, inner_ - slack_ - bytes_)) << "bytes behind a buffer were written";
    munmap(base_, mapped_);
  }
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;

  template <typename Value = std::byte>
  Value* as() const {
    return reinterpret_cast<Value*>(data_);
  }
  std::size_t size() const { return bytes_; }

 private:
  static constexpr int kSlack = 0xcd;

  static bool is_slack(const std::byte* begin, std::size_t count) {
    return std::all_of(begin, begin + count, [](std::byte byte) { return byte == std::byte{kSlack}; });
  }

  std::byte* base_ = nullptr;
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t slack_ = 0;  // bytes in front
  std::size_t inner_ = 0;
  std::size_t mapped_ = 0;
};

}  // namespace burin::tests
