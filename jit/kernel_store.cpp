#include "jit/kernel_store.hpp"

#include <chrono>

namespace burin::jit {
namespace {

KernelEntry entry_of(const ExecutableMemory& memory) {
  return reinterpret_cast<KernelEntry>(reinterpret_cast<std::uintptr_t>(memory.entry()));
}

}  // namespace

KernelEntry KernelStore::resolve(std::string_view name, const std::function<CodeImage()>& emit) {
  const std::scoped_lock lock(mutex_);
  const auto known = kernels_.find(name);
  if (known != kernels_.end()) return entry_of(known->second);

  const auto begin = std::chrono::steady_clock::now();
  const CodeImage image = emit();
  ExecutableMemory memory(image.bytes);
  emit_seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  code_bytes_ += image.bytes.size();
  return entry_of(kernels_.emplace(std::string(name), std::move(memory)).first->second);
}

int KernelStore::emitted() const {
  const std::scoped_lock lock(mutex_);
  return static_cast<int>(kernels_.size());
}

double KernelStore::emit_milliseconds() const {
  const std::scoped_lock lock(mutex_);
  return emit_seconds_ * 1e3;
}

std::size_t KernelStore::code_bytes() const {
  const std::scoped_lock lock(mutex_);
  return code_bytes_;
}

}  // namespace burin::jit
