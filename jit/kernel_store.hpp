// The kernels of one user, say a model: found in memory, on disk, or emitted.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "jit/bundle.hpp"
#include "jit/code_image.hpp"
#include "jit/code_tool.hpp"
#include "jit/disk_cache.hpp"
#include "jit/error.hpp"
#include "jit/kernel_key.hpp"
#include "jit/loaded_kernels.hpp"

namespace burin::jit {

// Where a store's kernels came from, and what that took.
struct KernelCounts {
  int emitted = 0;
  int from_disk = 0;
  int from_bundle = 0;
  int shared = 0;  // another store of this process had it
  double emit_milliseconds = 0;
  double disk_milliseconds = 0;
  std::size_t code_bytes = 0;
};

// Where a store may get kernels from, tried in this order.
struct KernelSources {
  std::vector<Bundle> bundles;
  std::optional<DiskCacheOptions> disk;
  bool emit = true;
  // Which are shown whatever this store loads. Not what is linked into the program, which has symbols.
  std::vector<std::shared_ptr<CodeTool>> tools = {};
};

// Thrown for a kernel that is in none of them.
class MissingKernel : public Error {
 public:
  using Error::Error;
};

// Thread-safe. Entries stay valid as long as the store.
class KernelStore {
 public:
  KernelStore() = default;  // emits
  explicit KernelStore(KernelSources sources);

  // The entry of the kernel `key`, from memory, or from the sources. emit() is called once per process however
  // many threads and stores ask. Throws MissingKernel where the store may not emit and has to.
  KernelEntry resolve(const KernelKey& key, const std::function<CodeImage()>& emit);

  // Puts on disk what was emitted since the last call. Slow, as files are synced: for a thread of its own.
  void write_back();

  KernelCounts counts() const;
  int emitted() const { return counts().emitted; }
  // What went wrong with the disk, a sentence each; complete after write_back().
  std::vector<std::string> notes() const;

 private:
  LoadedKernel make(const KernelKey& key, const std::function<CodeImage()>& emit);
  LoadedKernel load(const CodeImage& image) const;
  LoadedKernel shown(LoadedKernel kernel, const CodeImage& image) const;
  LoadedKernel from_bundle(const KernelKey& key);
  LoadedKernel from_disk(const KernelKey& key);
  LoadedKernel from_emitter(const KernelKey& key, const std::function<CodeImage()>& emit);

  std::vector<Bundle> bundles_;
  std::unique_ptr<DiskCache> disk_;
  bool emits_ = true;
  std::vector<std::shared_ptr<CodeTool>> tools_;

  mutable std::mutex mutex_;                                  // guards what follows
  std::map<std::string, LoadedKernel, std::less<>> kernels_;  // by key
  KernelCounts counts_;
  struct Unwritten {
    std::string name;
    FeatureSet features;
    CodeImage image;
  };
  std::vector<Unwritten> unwritten_;
};

}  // namespace burin::jit
