// A file mapped into memory, read-only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace burin::runtime {

// Immutable; thread-safe.
class MappedFile {
 public:
  // Throws burin::Error for a file that is missing, no regular file, empty, or not readable.
  static std::unique_ptr<MappedFile> open(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& path() const { return path_; }
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }

  // Gives the memory of these pages back to the system; they are read from the file again when touched.
  void release(std::span<const std::byte> range) const;

 private:
  MappedFile(std::string path, const std::byte* data, std::size_t size)
      : path_(std::move(path)), data_(data), size_(size) {}

  std::string path_;
  const std::byte* data_;
  std::size_t size_;
};

// Whether there is something under this path. Also true where the system will not say (no permission, a circle
// of links): opening it then names the reason, and nothing is thrown here.
bool file_exists(const std::filesystem::path& path);

// Throws burin::Error where the content is a Git LFS pointer instead of the file itself.
void refuse_lfs_pointer(const std::string& path, std::string_view content);

// The whole of a small text file (configuration, tokenizer). Throws burin::Error also above `most` bytes.
std::string read_text_file(const std::filesystem::path& path, std::size_t most);

bool is_utf8(std::string_view text);

}  // namespace burin::runtime
