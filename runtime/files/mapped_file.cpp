#include "runtime/files/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "jit/error.hpp"

namespace burin::runtime {
namespace {

constexpr std::string_view kLfsMagic = "version https://git-lfs.github.com/spec/";

// Closes the descriptor on every way out. Opening does not wait for someone to write to a pipe.
class Descriptor {
 public:
  explicit Descriptor(const char* path) : fd_(::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::int64_t nanoseconds(const struct timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

FileStamp stamp_of(const struct stat& status) {
  return {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size),
          nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)};
}

}  // namespace

std::unique_ptr<MappedFile> MappedFile::open(const std::filesystem::path& path) {
  const std::string name = path.string();
  if (name.empty()) fail("'': is no file name: give a model file or folder");
  const Descriptor file(name.c_str());
  if (file.get() < 0) fail("{}: cannot be opened: {}", name, std::strerror(errno));
  return map(file.get(), name);
}

std::unique_ptr<MappedFile> MappedFile::map(int descriptor, const std::string& name) {
  struct stat status {};
  if (fstat(descriptor, &status) != 0) fail("{}: cannot be examined: {}", name, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) fail("{}: is no regular file", name);
  if (status.st_size == 0) fail("{}: is empty (0 bytes): write or download it again", name);
  const auto size = static_cast<std::size_t>(status.st_size);
  void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (data == MAP_FAILED && errno == ENOMEM)
    throw OutOfMemory(fmt::format("{}: there is no room to map its {} bytes", name, size));
  if (data == MAP_FAILED) fail("{}: cannot be mapped: {}", name, std::strerror(errno));
  return std::unique_ptr<MappedFile>(
      new MappedFile(name, stamp_of(status), static_cast<const std::byte*>(data), size));
}

MappedFile::~MappedFile() { munmap(const_cast<std::byte*>(data_), size_); }

void MappedFile::want_huge_pages() const { madvise(const_cast<std::byte*>(data_), size_, MADV_HUGEPAGE); }

void MappedFile::release(std::span<const std::byte> range) const {
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto first = (reinterpret_cast<std::uintptr_t>(range.data()) + page - 1) / page * page;
  const auto last = reinterpret_cast<std::uintptr_t>(range.data() + range.size()) / page * page;
  // Advice only: where the system refuses, the pages simply stay.
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

bool file_exists(const std::filesystem::path& path) {
  std::error_code unknown;
  return std::filesystem::status(path, unknown).type() != std::filesystem::file_type::not_found;
}

void refuse_lfs_pointer(const std::string& path, std::string_view content) {
  if (content.starts_with(kLfsMagic))
    fail("{}: is a Git LFS pointer, not the file itself: run 'git lfs pull' in its repository", path);
}

std::string read_text_file(const std::filesystem::path& path, std::size_t most) {
  const std::unique_ptr<MappedFile> file = MappedFile::open(path);
  if (file->bytes().size() > most)
    fail("{}: has {} bytes: more than the {} such a file may have", file->path(), file->bytes().size(), most);
  refuse_lfs_pointer(file->path(), file->text());
  return std::string(file->text());
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80                   ? 1
                               : lead >= 0xc2 && lead < 0xe0 ? 2
                               : lead >= 0xe0 && lead < 0xf0 ? 3
                               : lead >= 0xf0 && lead < 0xf5 ? 4
                                                             : 0;
    if (length == 0 || i + length > text.size()) return false;
    std::uint32_t code = length == 1 ? lead : lead & (0x7fu >> length);
    for (std::size_t j = 1; j < length; ++j) {
      const auto next = static_cast<unsigned char>(text[i + j]);
      if ((next & 0xc0u) != 0x80u) return false;
      code = code << 6 | (next & 0x3fu);
    }
    if ((length == 3 && (code < 0x800 || (code >= 0xd800 && code < 0xe000))) ||
        (length == 4 && (code < 0x10000 || code > 0x10ffff)))
      return false;
    i += length;
  }
  return true;
}

}  // namespace burin::runtime
