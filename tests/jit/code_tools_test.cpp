// What perf and GDB are told of kernels, read back as they read it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "jit/assembler.hpp"
#include "jit/gdb_interface.hpp"
#include "jit/jitdump.hpp"
#include "jit/kernel_store.hpp"
#include "jit/perf_map.hpp"
#include "tests/jit/disk_cache_fixture.hpp"
#include "tests/support/error_text.hpp"
#include "tests/support/run_command.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::jit {
namespace {

CodeImage image_called(const std::string& name) {
  Assembler a(parse_target("haswell"));
  a.begin_frame(0);
  a.mov(a.eax, a.int32_constant(7));
  a.end_frame();
  return a.finish(name);
}

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

const void* at(std::uintptr_t address) { return reinterpret_cast<const void*>(address); }

TEST(PerfMap, HasALinePerKernel) {
  const CodeImage image = image_called("first-k.1");
  const std::filesystem::path path = fmt::format("/tmp/perf-{}.map", getpid());
  {
    const std::shared_ptr<CodeTool> tool = make_perf_map();
    tool->show(image, at(0x7f0000001000));
    tool->show(image_called("second-k.2"), at(0x7f0000002000));
  }
  EXPECT_LT(image.code_size, image.bytes.size());  // constants are no code
  EXPECT_EQ(contents(path),
            fmt::format("7f0000001000 {0:x} first-k.1\n7f0000002000 {0:x} second-k.2\n", image.code_size));
  std::filesystem::remove(path);
}

// A file of an earlier process is not added to, and what a link points to stays as it is.
TEST(PerfMap, ReplacesWhatIsThere) {
  const tests::TemporaryFolder folder;
  const auto other = folder.write("other", "text");
  const std::filesystem::path path = fmt::format("/tmp/perf-{}.map", getpid());
  std::filesystem::create_symlink(other, path);
  make_perf_map()->show(image_called("k"), at(0x1000));
  EXPECT_FALSE(std::filesystem::is_symlink(path));
  EXPECT_EQ(contents(other), "text");
  EXPECT_THAT(contents(path), testing::StartsWith("1000 "));
  std::filesystem::remove(path);
}

template <typename Value>
Value take(std::istream& from) {
  Value value = {};
  from.read(reinterpret_cast<char*>(&value), sizeof value);
  return value;
}

// As the specification in Linux's sources has it.
TEST(Jitdump, HasHeaderAndKernels) {
  const tests::TemporaryFolder folder;
  const CodeImage image = image_called("gemm-k.64");
  const auto process = static_cast<std::uint32_t>(getpid());
  const std::shared_ptr<CodeTool> tool = make_jitdump(folder / ".");
  tool->show(image, at(0x7f0000001000));
  tool->show(image, at(0x7f0000002000));
  std::istringstream file(contents(folder / fmt::format("jit-{}.dump", process)));
  EXPECT_EQ(take<std::uint32_t>(file), 0x4a695444u);
  EXPECT_EQ(take<std::uint32_t>(file), 1u);
  EXPECT_EQ(take<std::uint32_t>(file), 40u);
  EXPECT_EQ(take<std::uint32_t>(file), 62u);  // x86-64
  EXPECT_EQ(take<std::uint32_t>(file), 0u);
  EXPECT_EQ(take<std::uint32_t>(file), process);
  auto time = take<std::uint64_t>(file);
  EXPECT_EQ(take<std::uint64_t>(file), 0u);
  for (std::uint64_t number = 0; number < 2; ++number) {
    EXPECT_EQ(take<std::uint32_t>(file), 0u);  // code is loaded
    EXPECT_EQ(take<std::uint32_t>(file), 56 + image.name.size() + 1 + image.code_size);
    const auto later = take<std::uint64_t>(file);
    EXPECT_GE(later, time);
    time = later;
    EXPECT_EQ(take<std::uint32_t>(file), process);
    EXPECT_EQ(take<std::uint32_t>(file), process);  // the first thread
    EXPECT_EQ(take<std::uint64_t>(file), 0x7f0000001000 + number * 0x1000);
    EXPECT_EQ(take<std::uint64_t>(file), 0x7f0000001000 + number * 0x1000);
    EXPECT_EQ(take<std::uint64_t>(file), image.code_size);
    EXPECT_EQ(take<std::uint64_t>(file), number);
    std::string name;
    std::getline(file, name, '\0');
    EXPECT_EQ(name, image.name);
    std::vector<char> code(image.code_size);
    file.read(code.data(), static_cast<std::streamsize>(code.size()));
    EXPECT_EQ(std::memcmp(code.data(), image.bytes.data(), code.size()), 0);
  }
  EXPECT_EQ(file.peek(), std::char_traits<char>::eof());
}

// perf sees the file because it is mapped executable.
TEST(Jitdump, IsMappedAsLongAsItIsWritten) {
  const tests::TemporaryFolder folder;
  const std::string name = fmt::format("jit-{}.dump", getpid());
  const auto mapped = [&] {
    std::istringstream maps(contents("/proc/self/maps"));
    for (std::string line; std::getline(maps, line);)
      if (line.ends_with(name) && line.find(" r-xp ") != std::string::npos) return true;
    return false;
  };
  {
    const std::shared_ptr<CodeTool> tool = make_jitdump(folder / ".");
    EXPECT_TRUE(mapped());
  }
  EXPECT_FALSE(mapped());
}

TEST(Jitdump, FoldersThatAreNotThereAreNamed) {
  EXPECT_THAT(tests::error_of([] { make_jitdump("/not/there"); }),
              testing::MatchesRegex(
                  "/not/there/jit-[0-9]+.dump: cannot be made for perf: No such file or directory"));
}

TEST(GdbInterface, ListsWhatIsShown) {
  ASSERT_EQ(__jit_debug_descriptor.version, 1u);
  ASSERT_EQ(__jit_debug_descriptor.first, nullptr);
  const std::shared_ptr<CodeTool> tool = make_gdb_interface();
  std::shared_ptr<const void> first = tool->show(image_called("first"), at(0x7f0000001000));
  std::shared_ptr<const void> second = tool->show(image_called("second"), at(0x7f0000002000));
  const std::shared_ptr<const void> third = tool->show(image_called("third"), at(0x7f0000003000));
  const auto listed = [] {
    int count = 0;
    for (const DebuggerEntry* entry = __jit_debug_descriptor.first; entry != nullptr; entry = entry->next) {
      EXPECT_EQ(std::memcmp(entry->object,
                            "\x7f"
                            "ELF",
                            4),
                0);
      EXPECT_TRUE(entry->next == nullptr || entry->next->previous == entry);
      ++count;
    }
    return count;
  };
  EXPECT_EQ(listed(), 3);
  second.reset();
  EXPECT_EQ(listed(), 2);
  first.reset();
  EXPECT_EQ(listed(), 1);
  EXPECT_EQ(__jit_debug_descriptor.first->previous, nullptr);
  EXPECT_EQ(__jit_debug_descriptor.action, DebuggerAction::none);
}

TEST(GdbInterface, ObjectsHaveSymbolAndFrames) {
  const CodeImage image = image_called("gemm-k.64-n.32");
  const std::vector<std::uint8_t> object = debugger_object(image, at(0x7f0000001000));
  const tests::TemporaryFolder folder;
  const auto path = folder.write("kernel.o", {reinterpret_cast<const char*>(object.data()), object.size()});
  EXPECT_EQ(tests::run_program("nm", {path.string()}).output, "00007f0000001000 T gemm-k.64-n.32\n");
  EXPECT_THAT(tests::run_program("readelf", {"-SW", path.string()}).output,
              testing::HasSubstr(".text             PROGBITS        00007f0000001000"));
  EXPECT_THAT(
      tests::run_program("readelf", {"--debug-dump=frames", path.string()}).output,
      testing::HasSubstr(fmt::format("pc=00007f0000001000..{:016x}", 0x7f0000001000 + image.code_size)));
}

// Notes what it is shown, and whether the code is still there when it goes.
class Witness final : public CodeTool {
 public:
  std::shared_ptr<const void> show(const CodeImage& image, const void* entry) override {
    EXPECT_EQ(std::memcmp(entry, image.bytes.data(), image.bytes.size()), 0);
    shown.push_back(image.name);
    return {entry, [this, bytes = image.bytes](const void* code) {
              EXPECT_EQ(std::memcmp(code, bytes.data(), bytes.size()), 0);
              ++gone;
            }};
  }

  std::vector<std::string> shown;
  int gone = 0;
};

using CodeTools = DiskCacheTest;

TEST_F(CodeTools, SeeKernelsWhereverTheyComeFrom) {
  const CodeImage image = image_called("code-tools");
  const KernelKey key = {image.name, image.features};
  const auto witness = std::make_shared<Witness>();
  const auto load = [&](KernelSources from) {
    from.tools = {witness, witness};
    KernelStore store(std::move(from));
    store.resolve(key, [&] { return image; });
    store.resolve(key, [&] { return image; });
    store.write_back();
    EXPECT_EQ(witness->gone, 0);
    const KernelCounts counts = store.counts();
    return std::array{counts.emitted, counts.from_disk, counts.from_bundle};
  };
  const Bundle bundle("bundle", bundle_file({}, {image}, this_emitter()));
  for (const auto& [from, counts] : {std::pair{sources(), std::array{1, 0, 0}},
                                     {sources(), {0, 1, 0}},
                                     {KernelSources{{bundle}, std::nullopt, false}, {0, 0, 1}}}) {
    witness->shown.clear();
    witness->gone = 0;
    EXPECT_EQ(load(from), counts);
    EXPECT_EQ(witness->shown, (std::vector<std::string>{"code-tools", "code-tools"}));
    EXPECT_EQ(witness->gone, 2);
  }
}

}  // namespace
}  // namespace burin::jit
