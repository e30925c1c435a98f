#include "jit/sealed_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>

#include "jit/error.hpp"
#include "jit/file_descriptor.hpp"

namespace burin::jit {
namespace {

constexpr int kSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;

[[noreturn]] void refuse(std::size_t bytes, const char* what, int reason) {
  fail("kernel memory: {} bytes cannot be {}: {}: link the kernels instead (burin pregen -o kernels.o)",
       bytes, what, system_error_text(reason));
}

}  // namespace

SealedMemory::SealedMemory(std::span<const std::uint8_t> bytes) : size_(bytes.size()) {
  const FileDescriptor file(memfd_create("burin kernels", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.is_open()) refuse(size_, "put into an anonymous file", errno);
  if (const int reason = write_all(file, bytes); reason != 0)
    refuse(size_, "put into an anonymous file", reason);
  if (fcntl(file.number(), F_ADD_SEALS, kSeals) != 0) refuse(size_, "sealed", errno);
  base_ = mmap(nullptr, size_, PROT_READ | PROT_EXEC, MAP_PRIVATE, file.number(), 0);
  if (base_ == MAP_FAILED) refuse(size_, "mapped for execution", errno);
}

SealedMemory::~SealedMemory() { munmap(base_, size_); }

}  // namespace burin::jit
