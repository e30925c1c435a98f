// A model in llama2.c's own format (https://github.com/karpathy/llama2.c, export version 0): seven int32 and
// float32 tensors in a fixed order.
#pragma once

#include <vector>

#include "runtime/files/mapped_file.hpp"
#include "runtime/files/model_file.hpp"

namespace burin::runtime {

// Described with GGUF's names: the rows of Q and K are in the order of GGUF's llama too (interleaved pairs).
class Llama2cModel final : public ModelFile {
 public:
  explicit Llama2cModel(std::unique_ptr<MappedFile> file);

  // Whether the header and the file size agree.
  static bool recognises(std::span<const std::byte> bytes);

  std::span<const std::byte> tensor_data(std::size_t index) const override { return data_[index]; }
  void release_pages(std::size_t index) const override { file_->release(data_[index]); }
  std::vector<FileStamp> stamps() const override { return {file_->stamp()}; }
  std::filesystem::path folder() const override;

 private:
  void add(std::string name, std::vector<std::int64_t> shape);

  std::unique_ptr<MappedFile> file_;
  std::vector<std::span<const std::byte>> data_;
  std::size_t at_ = 0;
};

}  // namespace burin::runtime
