// Code memory is written first and executed afterwards, never both.
#include "jit/executable_memory.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "jit/assembler.hpp"
#include "jit/error.hpp"

namespace burin::jit {
namespace {

// A line of /proc/self/maps.
struct Mapping {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  std::string access;  // "r-xp"
};

std::vector<Mapping> mappings() {
  std::vector<Mapping> all;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    Mapping mapping;
    char dash = 0;
    std::istringstream(line) >> std::hex >> mapping.begin >> dash >> mapping.end >> mapping.access;
    all.push_back(mapping);
  }
  return all;
}

// Access to the mapping that holds the address; empty where there is none.
std::string access_at(std::uintptr_t address) {
  for (const Mapping& mapping : mappings())
    if (mapping.begin <= address && address < mapping.end) return mapping.access;
  return "";
}

std::uintptr_t address_of(const ExecutableMemory& memory) {
  return reinterpret_cast<std::uintptr_t>(memory.entry());
}

// mov eax, value; ret
std::vector<std::uint8_t> code_that_returns(std::uint8_t value) { return {0xb8, value, 0, 0, 0, 0xc3}; }

int call(const ExecutableMemory& memory) { return reinterpret_cast<int (*)()>(address_of(memory))(); }

TEST(ExecutableMemory, RunsTheCode) {
  const ExecutableMemory seven(code_that_returns(7));
  const ExecutableMemory nine(code_that_returns(9));
  EXPECT_EQ(call(seven), 7);
  EXPECT_EQ(call(nine), 9);
}

TEST(ExecutableMemory, IsNotWritable) {
  const ExecutableMemory memory(code_that_returns(7));
  EXPECT_EQ(access_at(address_of(memory)), "r-xp");
  EXPECT_EQ(access_at(address_of(memory) + memory.size() - 1), "r-xp");
  // The kernel refuses to write there for us too, where a store would end the test.
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  ASSERT_EQ(read(ends[0], const_cast<void*>(memory.entry()), 1), -1);
  EXPECT_EQ(errno, EFAULT);
  close(ends[0]);
  close(ends[1]);
  EXPECT_EQ(call(memory), 7);
}

// Neither the finished code nor the assembler that still holds its own copy.
TEST(ExecutableMemory, NothingIsWritableAndExecutable) {
  Assembler a(parse_target("avx2"));
  a.mov(a.eax, 5);
  a.ret();
  const ExecutableMemory memory(a.finish("five").bytes);
  ASSERT_EQ(call(memory), 5);
  int executable = 0;
  for (const Mapping& mapping : mappings()) {
    ASSERT_EQ(mapping.access.size(), 4u);
    executable += mapping.access[2] == 'x';
    EXPECT_FALSE(mapping.access[1] == 'w' && mapping.access[2] == 'x') << std::hex << mapping.begin;
  }
  EXPECT_GT(executable, 1);  // else the lines were not understood
}

TEST(ExecutableMemory, HoldsWholePages) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  EXPECT_EQ(ExecutableMemory(code_that_returns(1)).size(), page);
  EXPECT_EQ(ExecutableMemory(std::vector<std::uint8_t>(page, 0xc3)).size(), page);
  const std::vector<std::uint8_t> code(page + 1, 0xc3);
  const ExecutableMemory memory(code);
  EXPECT_EQ(memory.size(), 2 * page);
  EXPECT_EQ(address_of(memory) % page, 0u);
  EXPECT_TRUE(std::equal(code.begin(), code.end(), static_cast<const std::uint8_t*>(memory.entry())));
}

TEST(ExecutableMemory, GoesWithItsOwner) {
  std::uintptr_t address = 0;
  {
    const ExecutableMemory memory(code_that_returns(7));
    address = address_of(memory);
  }
  // Something else may lie there by now, but no code.
  const std::string access = access_at(address);
  EXPECT_TRUE(access.empty() || access[2] != 'x') << access;
}

TEST(ExecutableMemory, Moves) {
  ExecutableMemory first(code_that_returns(1));
  const std::uintptr_t address = address_of(first);
  ExecutableMemory moved(std::move(first));
  EXPECT_EQ(address_of(moved), address);
  EXPECT_EQ(call(moved), 1);
  ExecutableMemory other(code_that_returns(2));
  other = std::move(moved);
  EXPECT_EQ(address_of(other), address);
  EXPECT_EQ(call(other), 1);
}

TEST(ExecutableMemory, RefusalsAreErrors) {
  EXPECT_THROW(ExecutableMemory(std::vector<std::uint8_t>{}), Error);
}

}  // namespace
}  // namespace burin::jit
