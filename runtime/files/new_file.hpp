// A file that appears whole or not at all.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "jit/file_descriptor.hpp"

namespace burin::runtime {

// Writes to a temporary file beside `path`, which takes the name with commit(), synced; without, nothing is left and
// what had the name stays. Throws burin::Error naming the file for whatever the system refuses.
class NewFile {
 public:
  explicit NewFile(std::string path);
  ~NewFile();
  NewFile(const NewFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void commit();  // last of all

 private:
  std::string path_;
  std::string temporary_;
  jit::FileDescriptor file_;
  bool committed_ = false;
};

}  // namespace burin::runtime
