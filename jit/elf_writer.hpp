// Writes relocatable ELF64 objects for x86-64: sections, symbols and relocations in the order they are added.
#pragma once

#include <elf.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace burin::jit {

struct ElfSection {
  std::string name;
  std::uint32_t type = SHT_PROGBITS;
  std::uint64_t flags = SHF_ALLOC;
  std::size_t alignment = 1;
  std::vector<std::uint8_t> bytes;
  std::vector<Elf64_Rela> relocations = {};
  std::uint64_t address = 0;  // where it is in memory already, if it is

  // Appends zeros up to a multiple of `to`, then the bytes; returns where they begin.
  std::size_t append(std::span<const std::uint8_t> more, std::size_t to = 1);
  // Appends the text and a zero.
  std::size_t append_text(std::string_view text);
};

class ElfWriter {
 public:
  // Sections are numbered from 1. Each has a local symbol of the same number, for relocations.
  explicit ElfWriter(std::vector<ElfSection> sections);

  // Local ones before global ones.
  void add_symbol(std::string_view name, std::uint8_t binding, std::uint8_t type, std::size_t section,
                  std::size_t offset, std::size_t bytes);

  std::vector<std::uint8_t> file();

 private:
  std::vector<ElfSection> sections_;
  std::vector<Elf64_Sym> symbols_;
  ElfSection names_;
  std::size_t locals_ = 0;
};

}  // namespace burin::jit
