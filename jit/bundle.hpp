// Kernels for several CPUs in one file, made ahead of time.
//
//      0  magic "BURINBND"
//      8  version of this layout   u32
//     12  number of kernels        u32
//     16  build id of the emitter  32 bytes
//     48  length of the contents   u32   one line per target: NAME, FEATURES and ORIGIN, with tabs between
//     52  zero                     u32
//     56  length of the file       u64
//     64  SHA-256 of the file, with these 32 bytes taken as zero
//     96  contents, kernels: files as in image_file.hpp, ordered by key, each at a multiple of 64
//
// There is no time, path or host in it: the same kernels are the same bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "jit/build_id.hpp"
#include "jit/code_image.hpp"
#include "jit/kernel_key.hpp"
#include "jit/linked_kernels.hpp"
#include "jit/loaded_kernels.hpp"
#include "jit/target.hpp"

namespace burin::jit {

inline constexpr std::size_t kLargestBundle = std::size_t{1} << 30;

// A CPU that a bundle has kernels for.
struct BundleTarget {
  Target target;
  std::string origin;  // what they were made for, for people; one line without tabs
};

// The lines that say so.
std::string contents_text(const std::vector<BundleTarget>& targets);

// By key. Of kernels with equal keys the first counts.
std::map<std::string, const CodeImage*> images_by_key(const std::vector<CodeImage>& images);

std::vector<std::uint8_t> bundle_file(const std::vector<BundleTarget>& targets,
                                      const std::vector<CodeImage>& images, const EmitterId& emitter);

// A kernel that can be called.
struct BundledKernel {
  LoadedKernel kernel;
  std::size_t bytes = 0;  // of code and constants
};

// An opened bundle: a file in private memory, all of it checked, or kernels that are linked into the program.
// Immutable, thread-safe, cheap to copy.
class Bundle {
 public:
  // A file, or "linked:NAME" (linked_kernels.hpp). Throws burin::Error naming it and what is wrong with it, also
  // where it was made by another build of the emitter than this one.
  static Bundle open(const std::filesystem::path& path);
  // `name` stands for the file in errors.
  Bundle(std::string name, std::vector<std::uint8_t> file, const EmitterId& emitter = this_emitter());
  // They must outlive the bundle and what was loaded from it.
  explicit Bundle(const LinkedKernels& linked, const EmitterId& emitter = this_emitter());

  const std::string& name() const;
  const std::vector<BundleTarget>& targets() const;
  std::size_t kernels() const;

  // A copy of the image; nothing where a file has none, and for linked kernels.
  std::optional<CodeImage> find(const KernelKey& key) const;
  // The kernel, where it is there. The first call maps a file's kernels, once and for all; throws burin::Error where
  // the system refuses that.
  std::optional<BundledKernel> load(const KernelKey& key) const;

 private:
  struct Contents;
  std::shared_ptr<Contents> contents_;
};

}  // namespace burin::jit
