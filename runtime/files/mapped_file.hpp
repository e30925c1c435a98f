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

// Tells a file from what it was before somebody wrote to it, or put another one in its place. Times in nanoseconds.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t bytes = 0;
  std::int64_t modified = 0;
  std::int64_t changed = 0;  // content, name or permissions; nobody can set it back
};

// Immutable; thread-safe.
class MappedFile {
 public:
  // Throws burin::Error for a file that is missing, no regular file, empty, or not readable.
  static std::unique_ptr<MappedFile> open(const std::filesystem::path& path);
  // An open file, which messages call `name`. It may be closed then.
  static std::unique_ptr<MappedFile> map(int descriptor, const std::string& name);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& path() const { return path_; }
  const FileStamp& stamp() const { return stamp_; }  // when it was opened
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }

  // Asks for huge pages, for what is read again and again; where the system has none for files, small ones do.
  void want_huge_pages() const;
  // Gives the memory of these pages back to the system; they are read from the file again when touched.
  void release(std::span<const std::byte> range) const;

 private:
  MappedFile(std::string path, const FileStamp& stamp, const std::byte* data, std::size_t size)
      : path_(std::move(path)), stamp_(stamp), data_(data), size_(size) {}

  std::string path_;
  FileStamp stamp_;
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
