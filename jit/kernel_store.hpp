// Kernels in memory: each is emitted once per store and stays until the store goes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "jit/code_image.hpp"
#include "jit/executable_memory.hpp"

namespace burin::jit {

// Thread-safe. Entries stay valid as long as the store.
class KernelStore {
 public:
  // The entry of the kernel `name`, from memory or from emit(). Other threads that ask for any kernel
  // meanwhile wait, so that nothing is emitted twice.
  KernelEntry resolve(std::string_view name, const std::function<CodeImage()>& emit);

  int emitted() const;
  double emit_milliseconds() const;
  std::size_t code_bytes() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, ExecutableMemory, std::less<>> kernels_;
  double emit_seconds_ = 0;
  std::size_t code_bytes_ = 0;
};

}  // namespace burin::jit
