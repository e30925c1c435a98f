// The kernels that are in executable memory of this process, whichever stores hold them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace burin::jit {

// Points to the entry and holds the memory it is in.
using LoadedKernel = std::shared_ptr<const void>;

// Thread-safe. Keeps no kernel alive: one goes with the last store that holds it.
class LoadedKernels {
 public:
  static LoadedKernels& of_process();

  // The kernel of this key, from another store or from make(). Threads that ask for the same kernel meanwhile
  // wait, others do not. What make() throws passes through; the next to ask tries again.
  LoadedKernel get(const std::string& key, const std::function<LoadedKernel()>& make);

 private:
  struct Slot {
    std::mutex making;
    std::weak_ptr<const void> kernel;
  };
  std::shared_ptr<Slot> slot_of(const std::string& key);

  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Slot>, std::less<>> slots_;
};

}  // namespace burin::jit
