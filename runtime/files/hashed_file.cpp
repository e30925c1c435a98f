#include "runtime/files/hashed_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "jit/error.hpp"

namespace burin::runtime {

HashedFileWriter::HashedFileWriter(std::string path) : path_(std::move(path)), temporary_(path_ + ".XXXXXX") {
  file_ = jit::FileDescriptor(mkostemp(temporary_.data(), O_CLOEXEC));
  if (!file_.is_open()) fail("{}: cannot be written: {}", path_, jit::system_error_text(errno));
}

HashedFileWriter::~HashedFileWriter() {
  if (!committed_) unlink(temporary_.c_str());
}

void HashedFileWriter::write(std::span<const std::byte> bytes) {
  hash_.update(bytes);
  write_unhashed(bytes);
}

void HashedFileWriter::write_unhashed(std::span<const std::byte> bytes) {
  const int reason =
      jit::write_all(file_, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  if (reason != 0) fail("{}: cannot be written: {}", path_, jit::system_error_text(reason));
}

void HashedFileWriter::commit() {
  const jit::Digest digest = hash_.finish();
  write_unhashed(std::as_bytes(std::span(digest)));
  if (fsync(file_.number()) != 0 || std::rename(temporary_.c_str(), path_.c_str()) != 0)
    fail("{}: cannot be written: {}", path_, jit::system_error_text(errno));
  committed_ = true;
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
