// Files that end with the SHA-256 of what is before it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "jit/file_descriptor.hpp"
#include "jit/sha256.hpp"
#include "runtime/files/new_file.hpp"

namespace burin::runtime {

// A NewFile with the hash of all that was written at its end.
class HashedFileWriter {
 public:
  explicit HashedFileWriter(std::string path) : file_(std::move(path)) {}

  void write(std::span<const std::byte> bytes);
  void commit();  // last of all

 private:
  NewFile file_;
  jit::Sha256 hash_;
};

// Throws burin::Error naming the file for what is missing, no plain file, too short, or not readable.
class HashedFileReader {
 public:
  explicit HashedFileReader(std::string path);

  const std::string& path() const { return path_; }
  std::uint64_t left() const { return left_; }  // bytes before the SHA-256
  void read(std::span<std::byte> bytes);
  // After everything was read: throws where bytes are left, or are not those that were written.
  void check_end();

 private:
  void read_unhashed(std::span<std::byte> bytes);

  std::string path_;
  jit::FileDescriptor file_;
  jit::Sha256 hash_;
  std::uint64_t left_ = 0;
};

}  // namespace burin::runtime
