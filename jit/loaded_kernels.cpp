#include "jit/loaded_kernels.hpp"

namespace burin::jit {

LoadedKernels& LoadedKernels::of_process() {
  // Never destroyed: stores may be, after everything static has gone.
  static auto& kernels = *new LoadedKernels;
  return kernels;
}

std::shared_ptr<LoadedKernels::Slot> LoadedKernels::slot_of(const std::string& key) {
  const std::scoped_lock lock(mutex_);
  const auto known = slots_.find(key);
  if (known != slots_.end()) return known->second;
  // Slots of kernels that have gone; one that somebody waits at is held by more than the map.
  std::erase_if(slots_, [](const auto& entry) {
    return entry.second.use_count() == 1 && entry.second->kernel.expired();
  });
  return slots_.emplace(key, std::make_shared<Slot>()).first->second;
}

LoadedKernel LoadedKernels::get(const std::string& key, const std::function<LoadedKernel()>& make) {
  const std::shared_ptr<Slot> slot = slot_of(key);
  const std::scoped_lock lock(slot->making);
  if (LoadedKernel kernel = slot->kernel.lock()) return kernel;
  LoadedKernel kernel = make();
  slot->kernel = kernel;
  return kernel;
}

}  // namespace burin::jit
