#include "jit/file_descriptor.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "jit/error.hpp"

namespace burin::jit {

void FileDescriptor::close() {
  if (number_ >= 0) ::close(number_);
  number_ = -1;
}

std::string system_error_text(int code) { return std::generic_category().message(code); }

int write_all(const FileDescriptor& file, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(file.number(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return 0;
}

std::vector<std::uint8_t> read_all(const FileDescriptor& file, std::size_t most) {
  struct stat status {};
  if (fstat(file.number(), &status) != 0) fail("cannot be read: {}", system_error_text(errno));
  if (status.st_size < 0 || static_cast<std::uint64_t>(status.st_size) > most)
    fail("{} bytes long: the most is {}", status.st_size, most);
  // One more byte than there should be, so that a file that grows is noticed.
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(status.st_size) + 1);
  std::size_t length = 0;
  while (length < bytes.size()) {
    const ssize_t got = read(file.number(), bytes.data() + length, bytes.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("cannot be read: {}", system_error_text(errno));
    if (got == 0) break;
    length += static_cast<std::size_t>(got);
  }
  if (length == bytes.size()) fail("grows while it is read");
  bytes.resize(length);
  return bytes;
}

}  // namespace burin::jit
