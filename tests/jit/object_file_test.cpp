// Object files: what a linker and a debugger find in them. Programs that link one: tests/linked.
#include "jit/object_file.hpp"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <span>

#include "tests/jit/made_images.hpp"

namespace burin::jit {
namespace {

using testing::ElementsAre;
using Bytes = std::vector<std::uint8_t>;

const CodeImage kOne = image_that_stores("one", 1);
const CodeImage kTwo = image_that_stores("two", 2);
const std::vector<BundleTarget> kTargets = {{parse_target("haswell"), "a model"}};

Bytes good_file() { return object_file("made_up", kTargets, {kTwo, kOne}, this_emitter()); }

// Reads what the writer wrote, by the ELF specification.
class Object {
 public:
  explicit Object(Bytes file) : file_(std::move(file)), header_(at<Elf64_Ehdr>(0)) {
    const auto names = section_header(header_.e_shstrndx);
    for (Elf64_Half i = 1; i < header_.e_shnum; ++i)
      sections_[text(names.sh_offset + section_header(i).sh_name)] = section_header(i);
  }

  const Elf64_Ehdr& header() const { return header_; }
  const std::map<std::string, Elf64_Shdr>& sections() const { return sections_; }
  const Elf64_Shdr& section(const std::string& name) const { return sections_.at(name); }
  template <typename T>
  std::vector<T> table(const std::string& name) const {
    std::vector<T> rows;
    for (std::size_t i = 0; i < section(name).sh_size / sizeof(T); ++i)
      rows.push_back(at<T>(section(name).sh_offset + i * sizeof(T)));
    return rows;
  }
  template <typename T>
  T at(std::size_t offset) const {
    T value;
    EXPECT_LE(offset + sizeof(T), file_.size());
    std::memcpy(&value, file_.data() + offset, sizeof value);
    return value;
  }
  std::string text(std::size_t offset) const { return reinterpret_cast<const char*>(file_.data() + offset); }
  std::string name_of(const Elf64_Sym& symbol) const {
    return text(section(".strtab").sh_offset + symbol.st_name);
  }

 private:
  Elf64_Shdr section_header(std::size_t number) const {
    return at<Elf64_Shdr>(header_.e_shoff + number * sizeof(Elf64_Shdr));
  }

  Bytes file_;
  Elf64_Ehdr header_;
  std::map<std::string, Elf64_Shdr> sections_;
};

TEST(ObjectFile, IsRelocatableForThisMachine) {
  const Object object(good_file());
  EXPECT_EQ(std::memcmp(object.header().e_ident, ELFMAG, SELFMAG), 0);
  EXPECT_EQ(object.header().e_type, ET_REL);
  EXPECT_EQ(object.header().e_machine, EM_X86_64);
}

TEST(ObjectFile, NothingIsWritableAndExecutable) {
  const Object object(good_file());
  for (const auto& [name, section] : object.sections()) {
    EXPECT_EQ((section.sh_flags & SHF_EXECINSTR) != 0, name == ".text") << name;
    // Read-only once addresses are known.
    EXPECT_EQ((section.sh_flags & SHF_WRITE) != 0, name == ".data.rel.ro") << name;
  }
  // Stacks of programs that link it stay as they are.
  EXPECT_EQ(object.section(".note.GNU-stack").sh_flags, 0u);
  EXPECT_EQ(object.section(".text").sh_addralign, kCodeAlignment);
}

TEST(ObjectFile, HasOneSymbolForOthersAndOnePerKernel) {
  const Object object(good_file());
  std::vector<std::string> shared;
  std::vector<std::string> kernels;
  const auto symbols = object.table<Elf64_Sym>(".symtab");
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    const bool is_global = ELF64_ST_BIND(symbols[i].st_info) == STB_GLOBAL;
    EXPECT_EQ(is_global, i >= object.section(".symtab").sh_info);
    if (is_global) shared.push_back(object.name_of(symbols[i]));
    if (ELF64_ST_TYPE(symbols[i].st_info) != STT_FUNC) continue;
    kernels.push_back(object.name_of(symbols[i]));
    const CodeImage& image = kernels.size() == 1 ? kOne : kTwo;
    EXPECT_EQ(symbols[i].st_size, image.bytes.size());
    EXPECT_EQ(symbols[i].st_value % kCodeAlignment, 0u);
    EXPECT_EQ(object.at<std::uint8_t>(object.section(".text").sh_offset + symbols[i].st_value + 2),
              image.bytes[2]);
  }
  EXPECT_THAT(shared, ElementsAre("burin_kernels_made_up"));
  EXPECT_THAT(kernels, ElementsAre("one@avx2", "two@avx2"));
}

TEST(ObjectFile, TheTableSaysWhoseTheyAre) {
  const Object object(good_file());
  const auto header = object.at<LinkedKernels>(object.section(".data.rel.ro").sh_offset);
  EXPECT_EQ(std::string_view(header.magic, 8), kLinkedMagic);
  EXPECT_EQ(header.count, 2u);
  EXPECT_EQ(header.arguments, this_emitter().arguments);
  EXPECT_EQ(std::memcmp(header.build, this_emitter().build.data(), sizeof header.build), 0);
  // Name, contents, rows; and key and code of each.
  EXPECT_EQ(object.table<Elf64_Rela>(".rela.data.rel.ro").size(), 3u + 2 * 2);
  EXPECT_EQ(object.table<Elf64_Rela>(".rela.eh_frame").size(), 2u);
}

TEST(ObjectFile, IsTheSameInAnyOrderOfKernels) {
  EXPECT_EQ(object_file("made_up", kTargets, {kOne, kTwo, kOne}, this_emitter()), good_file());
}

TEST(ObjectFile, NamesAreThoseOfC) { EXPECT_EQ(linked_name("llama-2 7b.q4_0"), "llama_2_7b_q4_0"); }

}  // namespace
}  // namespace burin::jit
