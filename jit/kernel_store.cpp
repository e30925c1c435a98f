#include "jit/kernel_store.hpp"

#include <chrono>
#include <utility>

#include "jit/executable_memory.hpp"

namespace burin::jit {
namespace {

KernelEntry entry_of(const LoadedKernel& kernel) {
  return reinterpret_cast<KernelEntry>(reinterpret_cast<std::uintptr_t>(kernel.get()));
}

class Clock {
 public:
  double milliseconds() const {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace

KernelStore::KernelStore(KernelSources sources)
    : bundles_(std::move(sources.bundles)),
      disk_(sources.disk ? std::make_unique<DiskCache>(std::move(*sources.disk)) : nullptr),
      emits_(sources.emit),
      tools_(std::move(sources.tools)) {}

KernelEntry KernelStore::resolve(const KernelKey& key, const std::function<CodeImage()>& emit) {
  const std::string text = key.text();
  {
    const std::scoped_lock lock(mutex_);
    const auto known = kernels_.find(text);
    if (known != kernels_.end()) return entry_of(known->second);
  }
  const LoadedKernel kernel = LoadedKernels::of_process().get(text, [&] {
    LoadedKernel made = make(key, emit);
    const std::scoped_lock lock(mutex_);
    kernels_.emplace(text, made);
    return made;
  });
  const std::scoped_lock lock(mutex_);
  if (kernels_.emplace(text, kernel).second) ++counts_.shared;
  return entry_of(kernel);
}

LoadedKernel KernelStore::make(const KernelKey& key, const std::function<CodeImage()>& emit) {
  if (LoadedKernel kernel = from_bundle(key)) return kernel;
  if (LoadedKernel kernel = disk_ ? from_disk(key) : nullptr) return kernel;
  if (!emits_)
    throw MissingKernel(fmt::format("kernel {} for {}: is not at hand, and none may be emitted", key.name,
                                    to_text(key.features)));
  return from_emitter(key, emit);
}

LoadedKernel KernelStore::load(const CodeImage& image) const {
  const auto memory = std::make_shared<const ExecutableMemory>(image.bytes);
  return shown({memory, memory->entry()}, image);
}

LoadedKernel KernelStore::shown(LoadedKernel kernel, const CodeImage& image) const {
  for (const std::shared_ptr<CodeTool>& tool : tools_) {
    struct Shown {
      LoadedKernel kernel;               // goes last
      std::shared_ptr<const void> sign;  // of the tool
    };
    const void* entry = kernel.get();
    const auto both = std::make_shared<const Shown>(Shown{kernel, tool->show(image, entry)});
    kernel = LoadedKernel(both, entry);
  }
  return kernel;
}

LoadedKernel KernelStore::from_bundle(const KernelKey& key) {
  const Clock clock;
  for (const Bundle& bundle : bundles_) {
    const std::optional<BundledKernel> found = bundle.load(key);
    if (!found) continue;
    const std::scoped_lock lock(mutex_);
    ++counts_.from_bundle;
    counts_.disk_milliseconds += clock.milliseconds();
    counts_.code_bytes += found->bytes;
    const std::optional<CodeImage> image = tools_.empty() ? std::nullopt : bundle.find(key);
    return image ? shown(found->kernel, *image) : found->kernel;
  }
  return nullptr;
}

LoadedKernel KernelStore::from_disk(const KernelKey& key) {
  const Clock clock;
  const std::optional<CodeImage> image = disk_->load(key);
  if (!image) return nullptr;
  LoadedKernel kernel = load(*image);
  const std::scoped_lock lock(mutex_);
  ++counts_.from_disk;
  counts_.disk_milliseconds += clock.milliseconds();
  counts_.code_bytes += image->bytes.size();
  return kernel;
}

LoadedKernel KernelStore::from_emitter(const KernelKey& key, const std::function<CodeImage()>& emit) {
  const Clock clock;
  CodeImage image = emit();
  LoadedKernel kernel = load(image);
  const std::scoped_lock lock(mutex_);
  ++counts_.emitted;
  counts_.emit_milliseconds += clock.milliseconds();
  counts_.code_bytes += image.bytes.size();
  if (disk_) unwritten_.push_back({std::string(key.name), key.features, std::move(image)});
  return kernel;
}

void KernelStore::write_back() {
  std::vector<Unwritten> kernels;
  {
    const std::scoped_lock lock(mutex_);
    kernels.swap(unwritten_);
  }
  for (const Unwritten& kernel : kernels) disk_->store({kernel.name, kernel.features}, kernel.image);
  if (!kernels.empty()) disk_->trim();
}

KernelCounts KernelStore::counts() const {
  const std::scoped_lock lock(mutex_);
  return counts_;
}

std::vector<std::string> KernelStore::notes() const {
  return disk_ ? disk_->notes() : std::vector<std::string>();
}

}  // namespace burin::jit
