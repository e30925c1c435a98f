// A model in a GGUF file, or in several (gguf_split.hpp).
#pragma once

#include <vector>

#include "runtime/files/mapped_file.hpp"
#include "runtime/files/model_file.hpp"

namespace burin::runtime {

class GgufModel final : public ModelFile {
 public:
  explicit GgufModel(std::unique_ptr<MappedFile> file);

  std::span<const std::byte> tensor_data(std::size_t index) const override;
  void release_pages(std::size_t index) const override;
  std::vector<FileStamp> stamps() const override;
  const GgufFile* gguf() const override { return &parts_.front().gguf; }
  std::filesystem::path folder() const override;

 private:
  struct Part {
    std::unique_ptr<MappedFile> file;
    GgufFile gguf;
  };
  struct Place {
    std::size_t part = 0;
    std::size_t tensor = 0;  // of the part's
  };
  void add_part(std::unique_ptr<MappedFile> file);
  void add_tensors(std::size_t part);

  std::vector<Part> parts_;
  std::vector<Place> places_;  // of tensors
};

}  // namespace burin::runtime
