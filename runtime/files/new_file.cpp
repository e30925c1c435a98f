#include "runtime/files/new_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "jit/error.hpp"

namespace burin::runtime {

NewFile::NewFile(std::string path) : path_(std::move(path)), temporary_(path_ + ".XXXXXX") {
  file_ = jit::FileDescriptor(mkostemp(temporary_.data(), O_CLOEXEC));
  if (!file_.is_open()) fail("{}: cannot be written: {}", path_, jit::system_error_text(errno));
}

NewFile::~NewFile() {
  if (!committed_) unlink(temporary_.c_str());
}

void NewFile::write(std::span<const std::byte> bytes) {
  const int reason =
      jit::write_all(file_, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  if (reason != 0) fail("{}: cannot be written: {}", path_, jit::system_error_text(reason));
}

void NewFile::commit() {
  if (fsync(file_.number()) != 0 || std::rename(temporary_.c_str(), path_.c_str()) != 0)
    fail("{}: cannot be written: {}", path_, jit::system_error_text(errno));
  committed_ = true;
}

}  // namespace burin::runtime
