// A signal stack for the calling thread.
#pragma once

#include <csignal>
#include <cstddef>

namespace burin::emulation {

// The signal frame alone is 3 KB where there is AVX-512, and 11 KB where there is AMX: too much for a thread
// with a small stack. A guard page lies below. Must be destroyed by the thread that has made it.
class AlternativeStack {
 public:
  // Throws std::system_error.
  AlternativeStack();
  // Restores the thread's previous signal stack: AddressSanitizer frees what it finds when the thread ends.
  ~AlternativeStack();
  AlternativeStack(const AlternativeStack&) = delete;
  AlternativeStack& operator=(const AlternativeStack&) = delete;

 private:
  void* base_ = nullptr;
  stack_t previous_ = {};
};

}  // namespace burin::emulation
