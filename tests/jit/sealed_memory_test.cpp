// Memory for code from files: executable, never writable.
#include "jit/sealed_memory.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include "jit/error.hpp"
#include "jit/file_descriptor.hpp"
#include "tests/jit/made_images.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/error_text.hpp"
#include "tests/support/sanitized.hpp"

namespace burin::jit {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const CodeImage kOne = image_that_stores("one", 1);

// As /proc/self/maps has it: "7f00-7f01" and "r-xp"; empty where nothing is mapped.
struct Mapping {
  std::string range;
  std::string permissions;
};

Mapping mapping_of(const void* address) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream text(line);
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char dash = 0;
    std::string permissions;
    text >> std::hex >> begin >> dash >> end >> permissions;
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    if (at >= begin && at < end) return {line.substr(0, line.find(' ')), permissions};
  }
  return {};
}

TEST(SealedMemory, RunsTheCode) {
  const SealedMemory memory(kOne.bytes);
  EXPECT_EQ(stored_by(reinterpret_cast<KernelEntry>(reinterpret_cast<std::uintptr_t>(memory.data()))), 1);
}

TEST(SealedMemory, IsNotWritable) {
  const SealedMemory memory(kOne.bytes);
  EXPECT_EQ(mapping_of(memory.data()).permissions, "r-xp");
  EXPECT_NE(tests::in_child([&] {
              *const_cast<volatile std::uint8_t*>(memory.data()) = 0;
              return true;
            }),
            0);
}

// Not even by who gets hold of the file behind it.
TEST(SealedMemory, ItsFileIsSealed) {
  const SealedMemory memory(kOne.bytes);
  const std::string path = "/proc/self/map_files/" + mapping_of(memory.data()).range;
  const FileDescriptor file(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file.is_open()) GTEST_SKIP() << "skipped: " << path << " is for root only";
  EXPECT_EQ(write(file.number(), "x", 1), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(ftruncate(file.number(), 0), -1);
  EXPECT_EQ(errno, EPERM);
}

TEST(SealedMemory, GoesWithItsOwner) {
  const void* address = nullptr;
  {
    const SealedMemory memory(kOne.bytes);
    address = memory.data();
  }
  EXPECT_EQ(mapping_of(address).range, "");
}

TEST(SealedMemory, RefusalsSayWhatWouldDo) {
  // UBSan finds out through a pipe whether an object's memory can be read.
  if (tests::kSanitized) GTEST_SKIP() << "skipped: the sanitizer needs file descriptors itself";
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
