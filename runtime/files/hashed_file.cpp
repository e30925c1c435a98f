#include "runtime/files/hashed_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "jit/error.hpp"

namespace burin::runtime {

void HashedFileWriter::write(std::span<const std::byte> bytes) {
  hash_.update(bytes);
  file_.write(bytes);
}

void HashedFileWriter::commit() {
  const jit::Digest digest = hash_.finish();
  file_.write(std::as_bytes(std::span(digest)));
  file_.commit();
}

HashedFileReader::HashedFileReader(std::string path) : path_(std::move(path)) {
  file_ = jit::FileDescriptor(open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!file_.is_open() || fstat(file_.number(), &status) != 0)
    fail("{}: cannot be read: {}", path_, jit::system_error_text(errno));
  if (!S_ISREG(status.st_mode)) fail("{}: is no plain file", path_);
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size < sizeof(jit::Digest)) fail("{}: has {} bytes: too short to be whole", path_, size);
  left_ = size - sizeof(jit::Digest);
}

void HashedFileReader::read(std::span<std::byte> bytes) {
  if (bytes.size() > left_)
    fail("{}: ends too early: {} bytes more are needed, {} are left", path_, bytes.size(), left_);
  read_unhashed(bytes);
  hash_.update(bytes);
  left_ -= bytes.size();
}

void HashedFileReader::read_unhashed(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::read(file_.number(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("{}: cannot be read: {}", path_, jit::system_error_text(errno));
    if (count == 0) fail("{}: ends too early", path_);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void HashedFileReader::check_end() {
  if (left_ != 0) fail("{}: {} bytes too many", path_, left_);
  jit::Digest stored;
  read_unhashed(std::as_writable_bytes(std::span(stored)));
  if (stored != hash_.finish()) fail("{}: is damaged: its SHA-256 is not that of its content", path_);
}

}  // namespace burin::runtime
