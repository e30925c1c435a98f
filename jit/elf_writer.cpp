#include "jit/elf_writer.hpp"

#include <cstring>
#include <utility>

namespace burin::jit {
namespace {

template <typename T>
std::span<const std::uint8_t> bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(T)};
}

Elf64_Ehdr file_header(std::size_t sections, std::size_t table) {
  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_ident[EI_OSABI] = ELFOSABI_SYSV;
  header.e_type = ET_REL;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shoff = table;
  header.e_shnum = static_cast<Elf64_Half>(sections);
  header.e_shstrndx = static_cast<Elf64_Half>(sections - 1);
  return header;
}

}  // namespace

std::size_t ElfSection::append(std::span<const std::uint8_t> more, std::size_t to) {
  bytes.resize((bytes.size() + to - 1) / to * to);
  const std::size_t begin = bytes.size();
  bytes.insert(bytes.end(), more.begin(), more.end());
  return begin;
}

std::size_t ElfSection::append_text(std::string_view text) {
  const std::size_t begin = bytes.size();
  bytes.insert(bytes.end(), text.begin(), text.end());
  bytes.push_back(0);
  return begin;
}

ElfWriter::ElfWriter(std::vector<ElfSection> sections)
    : sections_(std::move(sections)), symbols_(1), names_{".strtab", SHT_STRTAB, 0, 1, {0}} {
  for (std::size_t i = 1; i <= sections_.size(); ++i) add_symbol("", STB_LOCAL, STT_SECTION, i, 0, 0);
}

void ElfWriter::add_symbol(std::string_view name, std::uint8_t binding, std::uint8_t type,
                           std::size_t section, std::size_t offset, std::size_t bytes) {
  Elf64_Sym symbol = {};
  symbol.st_name = name.empty() ? 0 : static_cast<Elf64_Word>(names_.append_text(name));
  symbol.st_info = static_cast<std::uint8_t>(binding << 4 | type);
  symbol.st_shndx = static_cast<Elf64_Section>(section);
  symbol.st_value = offset;
  symbol.st_size = bytes;
  symbols_.push_back(symbol);
  if (binding == STB_LOCAL) locals_ = symbols_.size();
}

// Header, sections, their relocations, symbols, names, section headers.
std::vector<std::uint8_t> ElfWriter::file() {
  std::vector<ElfSection> all = {{"", SHT_NULL, 0, 1, {}}};
  all.insert(all.end(), sections_.begin(), sections_.end());
  std::vector<std::size_t> relocated(all.size(), 0);  // the section that a table of relocations is for
  for (std::size_t i = 1; i <= sections_.size(); ++i) {
    const ElfSection& section = sections_[i - 1];
    if (section.relocations.empty()) continue;
    const std::span<const std::uint8_t> table = bytes_of(section.relocations);
    all.push_back({".rela" + section.name, SHT_RELA, SHF_INFO_LINK, 8, {table.begin(), table.end()}});
    relocated.push_back(i);
  }
  const std::size_t symbol_table = all.size();
  const std::span<const std::uint8_t> symbols = bytes_of(symbols_);
  all.push_back({".symtab", SHT_SYMTAB, 0, 8, {symbols.begin(), symbols.end()}});
  all.push_back(names_);
  ElfSection section_names = {".shstrtab", SHT_STRTAB, 0, 1, {0}};

  std::vector<Elf64_Shdr> headers(all.size() + 1);
  ElfSection file = {"", SHT_NULL, 0, 1, std::vector<std::uint8_t>(sizeof(Elf64_Ehdr))};
  const auto place = [&](const ElfSection& section, Elf64_Shdr& header) {
    header.sh_type = section.type;
    header.sh_flags = section.flags;
    header.sh_addr = section.address;
    header.sh_addralign = section.alignment;
    header.sh_offset = file.append(section.bytes, section.alignment);
    header.sh_size = section.bytes.size();
  };
  for (std::size_t i = 1; i < all.size(); ++i) {
    headers[i].sh_name = static_cast<Elf64_Word>(section_names.append_text(all[i].name));
    place(all[i], headers[i]);
    if (all[i].type == SHT_RELA) {
      headers[i].sh_link = static_cast<Elf64_Word>(symbol_table);
      headers[i].sh_info = static_cast<Elf64_Word>(relocated[i]);
      headers[i].sh_entsize = sizeof(Elf64_Rela);
    }
  }
  headers[symbol_table].sh_link = static_cast<Elf64_Word>(symbol_table + 1);
  headers[symbol_table].sh_info = static_cast<Elf64_Word>(locals_);
  headers[symbol_table].sh_entsize = sizeof(Elf64_Sym);
  headers.back().sh_name = static_cast<Elf64_Word>(section_names.append_text(section_names.name));
  place(section_names, headers.back());
  const std::size_t table = file.append(bytes_of(headers), 8);
  const Elf64_Ehdr header = file_header(headers.size(), table);
  std::memcpy(file.bytes.data(), &header, sizeof header);
  return std::move(file.bytes);
}

}  // namespace burin::jit
