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
//     96  contents, kernels: files as in image_file.hpp, ordered by key
//
// There is no time, path or host in it: the same kernels are the same bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "jit/build_id.hpp"
#include "jit/code_image.hpp"
#include "jit/kernel_key.hpp"
#include "jit/target.hpp"

namespace burin::jit {

inline constexpr std::size_t kLargestBundle = std::size_t{1} << 30;

// A CPU that a bundle has kernels for.
struct BundleTarget {
  Target target;
  std::string origin;  // what they were made for, for people; one line without tabs
};

// Of kernels with equal keys the first counts.
std::vector<std::uint8_t> bundle_file(const std::vector<BundleTarget>& targets,
                                      const std::vector<CodeImage>& images, const EmitterId& emitter);

// An opened bundle: the file in private memory, all of it checked. Immutable, thread-safe.
class Bundle {
 public:
  // Throws burin::Error naming the file and what is wrong with it, also where it was made by another build of
  // the emitter than this one.
  static Bundle open(const std::filesystem::path& path);
  // `name` stands for the file in errors.
  Bundle(std::string name, std::vector<std::uint8_t> file, const EmitterId& emitter = this_emitter());

  const std::string& name() const { return name_; }
  const std::vector<BundleTarget>& targets() const { return targets_; }
  std::size_t kernels() const { return images_.size(); }
  std::optional<CodeImage> find(const KernelKey& key) const;

 private:
  void read_contents(std::string_view lines);
  void read_images(std::size_t first, std::uint32_t count, const EmitterId& emitter);

  struct Part {
    std::size_t offset = 0;
    std::size_t length = 0;
  };
  std::string name_;
  std::vector<std::uint8_t> file_;
  EmitterId emitter_;
  std::vector<BundleTarget> targets_;
  std::map<std::string, Part, std::less<>> images_;  // by key
};

}  // namespace burin::jit
