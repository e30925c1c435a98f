// A file in memory with a path, for code that opens files.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace burin::tests {

class MemoryFile {
 public:
  // `zeros` behind the bytes take no memory as long as nobody reads them.
  MemoryFile(const std::uint8_t* data, std::size_t size, std::size_t zeros = 0)
      : descriptor_(memfd_create("burin-fuzz", MFD_CLOEXEC)) {
    if (descriptor_ < 0) throw std::runtime_error("no memory file");
    if (write(descriptor_, data, size) != static_cast<ssize_t>(size) ||
        ftruncate(descriptor_, static_cast<off_t>(size + zeros)) != 0)
      throw std::runtime_error("cannot write");
  }
  ~MemoryFile() { close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

}  // namespace burin::tests
