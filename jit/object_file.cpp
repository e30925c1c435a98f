#include "jit/object_file.hpp"

#include <cctype>
#include <cstring>

#include "jit/elf_writer.hpp"
#include "jit/linked_kernels.hpp"
#include "jit/unwind.hpp"

namespace burin::jit {
namespace {

// In the order of the sections, from 1.
enum SectionNumber : std::uint8_t { kText = 1, kStrings, kTable, kEhFrame };

Elf64_Rela relocation(std::size_t place, std::uint32_t type, SectionNumber section, std::size_t offset) {
  return {place, ELF64_R_INFO(std::uint64_t{section}, type), static_cast<Elf64_Sxword>(offset)};
}

class ObjectWriter {
 public:
  ObjectWriter(std::string_view name, const EmitterId& emitter) : name_(name) {
    std::memcpy(header_.magic, kLinkedMagic, sizeof header_.magic);
    header_.version = kLinkedVersion;
    header_.arguments = emitter.arguments;
    std::memcpy(header_.build, emitter.build.data(), emitter.build.size());
    table_.append({reinterpret_cast<const std::uint8_t*>(&header_), sizeof header_});
  }

  std::vector<std::uint8_t> write(const std::string& contents,
                                  const std::map<std::string, const CodeImage*>& images) {
    point_to(offsetof(LinkedKernels, name), kStrings, strings_.append_text(name_));
    point_to(offsetof(LinkedKernels, contents), kStrings, strings_.append_text(contents));
    point_to(offsetof(LinkedKernels, kernels), kTable, sizeof(LinkedKernels));
    for (const auto& [key, image] : images) add(key, *image);
    header_.count = images.size();
    std::memcpy(table_.bytes.data(), &header_, sizeof header_);
    add_unwind();
    // The last one says that stacks need not be executable.
    ElfWriter elf({text_, strings_, table_, eh_frame_, {".note.GNU-stack", SHT_PROGBITS, 0, 1, {}}});
    for (const Place& place : places_)
      elf.add_symbol(place.key, STB_LOCAL, STT_FUNC, kText, place.begin, place.bytes);
    elf.add_symbol("burin_kernels_" + name_, STB_GLOBAL, STT_OBJECT, kTable, 0, table_.bytes.size());
    return elf.file();
  }

 private:
  struct Place {
    std::string key;
    std::size_t begin = 0;
    std::size_t bytes = 0;
  };

  // The pointer at `place` in the table.
  void point_to(std::size_t place, SectionNumber section, std::size_t offset) {
    table_.relocations.push_back(relocation(place, R_X86_64_64, section, offset));
  }

  void add(const std::string& key, const CodeImage& image) {
    const std::size_t begin = text_.append(image.bytes, kCodeAlignment);
    places_.push_back({key, begin, image.bytes.size()});
    unwound_.push_back({image.code_size, image.unwind});
    const LinkedKernel kernel = {nullptr, nullptr, image.bytes.size()};
    const std::size_t row = table_.append({reinterpret_cast<const std::uint8_t*>(&kernel), sizeof kernel});
    point_to(row + offsetof(LinkedKernel, key), kStrings, strings_.append_text(key));
    point_to(row + offsetof(LinkedKernel, code), kText, begin);
  }

  void add_unwind() {
    EhFrame frame = eh_frame(unwound_);
    eh_frame_.bytes = std::move(frame.bytes);
    for (std::size_t i = 0; i < places_.size(); ++i)
      eh_frame_.relocations.push_back(relocation(frame.places[i], R_X86_64_PC32, kText, places_[i].begin));
  }

  std::string name_;
  LinkedKernels header_ = {};
  std::vector<Place> places_;
  std::vector<UnwoundCode> unwound_;
  ElfSection text_ = {".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, kCodeAlignment, {}};
  ElfSection strings_ = {".rodata", SHT_PROGBITS, SHF_ALLOC, 1, {}};
  ElfSection table_ = {".data.rel.ro", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 8, {}};
  ElfSection eh_frame_ = {".eh_frame", SHT_PROGBITS, SHF_ALLOC, 8, {}};
};

}  // namespace

std::string linked_name(std::string_view text) {
  std::string name(text);
  for (char& letter : name)
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0) letter = '_';
  return name;
}

std::vector<std::uint8_t> object_file(std::string_view name, const std::vector<BundleTarget>& targets,
                                      const std::vector<CodeImage>& images, const EmitterId& emitter) {
  return ObjectWriter(name, emitter).write(contents_text(targets), images_by_key(images));
}

}  // namespace burin::jit
