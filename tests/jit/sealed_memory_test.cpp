// Memory for code from files: executable, never writable.
#include "jit/sealed_memory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>

#include "jit/error.hpp"
#include "jit/kernel_store.hpp"
#include "tests/jit/made_images.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/error_text.hpp"

namespace burin::jit {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const CodeImage kOne = image_that_stores("one", 1);

// "r-xp" and the like, of the mapping that holds the address.
std::string permissions_of(const void* address) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream text(line);
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char dash = 0;
    std::string permissions;
    text >> std::hex >> begin >> dash >> end >> permissions;
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    if (at >= begin && at < end) return permissions;
  }
  return "none";
}

TEST(SealedMemory, RunsTheCode) {
  const SealedMemory memory(kOne.bytes);
  EXPECT_EQ(stored_by(reinterpret_cast<KernelEntry>(reinterpret_cast<std::uintptr_t>(memory.data()))), 1);
}

TEST(SealedMemory, CannotBecomeWritableForAll) {
  const SealedMemory memory(kOne.bytes);
  EXPECT_EQ(permissions_of(memory.data()), "r-xp");
  // A write would be to this process's own copy of the page at most: that of a shared mapping is refused.
  EXPECT_EQ(tests::in_child([&] {
              *const_cast<volatile std::uint8_t*>(memory.data()) = 0;
              return true;
            }),
            128 + SIGSEGV);
}

TEST(SealedMemory, GoesWithItsOwner) {
  const void* address = nullptr;
  {
    const SealedMemory memory(kOne.bytes);
    address = memory.data();
  }
  EXPECT_EQ(permissions_of(address), "none");
}

TEST(SealedMemory, RefusalsSayWhatWouldDo) {
  EXPECT_EQ(tests::in_child([] {
              const rlimit none = {0, 0};
              setrlimit(RLIMIT_NOFILE, &none);
              const std::string error = tests::error_of([] { SealedMemory{kOne.bytes}; });
              return testing::Value(error, AllOf(HasSubstr("Too many open files"), HasSubstr("kernels.o")));
            }),
            0);
}

}  // namespace
}  // namespace burin::jit
