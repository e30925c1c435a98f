// Emitted kernels on disk, so that the next process need not emit them.
//
//     FOLDER/                     this user's, writable by nobody else
//       3f0c5a...  (16 digits)    one folder per build id of the emitter
//         9b71ee....kernel        one image (image_file.hpp), named after the SHA-256 of its key
//         .9b71ee....1234.0.tmp   one that is being written
//
// A file is written beside its place, synced and renamed, so that it is there whole or not at all, whoever
// else writes it. It is read into memory of this process and checked there: a file that changes later
// changes nothing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "jit/build_id.hpp"
#include "jit/code_image.hpp"
#include "jit/file_descriptor.hpp"
#include "jit/kernel_key.hpp"

namespace burin::jit {

// Before each of them, tests may let the process end or the step fail.
enum class WriteStep : std::uint8_t { create, write_half, write_rest, sync, rename };
inline constexpr int kWriteSteps = 5;

struct DiskCacheOptions {
  std::filesystem::path folder;
  std::uint64_t most_bytes = std::uint64_t{256} << 20;  // of all files; the least recently used go first
  EmitterId emitter = this_emitter();
  std::function<int(WriteStep)> before_step = nullptr;  // returns 0, or the errno that the step fails with
};

// Thread-safe; any number of processes may use a folder. Never throws for what it finds on disk: what cannot
// be used is left alone or written anew, and notes() says so.
class DiskCache {
 public:
  explicit DiskCache(DiskCacheOptions options);

  // The image for `key`, where there is a sound one.
  std::optional<CodeImage> load(const KernelKey& key);
  // Puts it on disk. After the first failure nothing more is tried.
  void store(const KernelKey& key, const CodeImage& image);
  // Removes the least recently used files where there are too many bytes; call after stores.
  void trim();

  // One sentence for each kind of trouble there was, for the user.
  std::vector<std::string> notes() const;

 private:
  void open_folders();
  int write_file(const std::string& name, const std::vector<std::uint8_t>& bytes);
  int write_temporary(const std::string& name, const std::vector<std::uint8_t>& bytes);
  std::string shown_folder() const;
  std::string trouble(int code) const;
  int before(WriteStep step) const { return options_.before_step ? options_.before_step(step) : 0; }

  DiskCacheOptions options_;
  FileDescriptor build_folder_;  // closed: nothing is loaded

  mutable std::mutex mutex_;  // guards what follows
  std::string folder_trouble_;
  std::string write_trouble_;
  std::string first_bad_image_;
  int bad_images_ = 0;
};

// Names of what is in FOLDER.
std::string build_folder_name(const EmitterId& emitter);
std::string image_file_name(const KernelKey& key);
std::string image_file_name(std::string_view key_text);

}  // namespace burin::jit
