// An open file or folder that is closed when it goes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace burin::jit {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int number) : number_(number) {}
  ~FileDescriptor() { close(); }
  FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }

  bool is_open() const { return number_ >= 0; }
  int number() const { return number_; }
  void close();

 private:
  int number_ = -1;
};

// What errno `code` means.
std::string system_error_text(int code);

// Writes all of it; returns 0 or what errno says.
int write_all(const FileDescriptor& file, std::span<const std::uint8_t> bytes);

// The whole file, from where it stands. Throws burin::Error for one longer than `most`, or that cannot be read.
std::vector<std::uint8_t> read_all(const FileDescriptor& file, std::size_t most);

}  // namespace burin::jit
