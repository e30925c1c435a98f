// A model in a GGUF file.
#pragma once

#include "runtime/files/mapped_file.hpp"
#include "runtime/files/model_file.hpp"

namespace burin::runtime {

class GgufModel final : public ModelFile {
 public:
  explicit GgufModel(std::unique_ptr<MappedFile> file);

  std::span<const std::byte> tensor_data(std::size_t index) const override;
  void release_pages(std::size_t index) const override { file_->release(tensor_data(index)); }
  const GgufFile* gguf() const override { return &gguf_; }
  std::filesystem::path folder() const override;

 private:
  std::unique_ptr<MappedFile> file_;
  GgufFile gguf_;
};

}  // namespace burin::runtime
