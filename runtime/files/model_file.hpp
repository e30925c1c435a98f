// Opens a model (GGUF file, Hugging Face folder, llama2.c .bin) and gives its description and tensor bytes.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "graph/model_description.hpp"
#include "runtime/files/gguf_file.hpp"
#include "runtime/files/mapped_file.hpp"

namespace burin::runtime {

// Immutable after open(); all methods are thread-safe. Files stay memory-mapped, read-only, as long as
// the object lives. Everything in the files is treated as hostile: open() throws burin::Error
// ("FILE: FIELD is VALUE: ...") for anything that cannot be right, before it is used.
class ModelFile {
 public:
  virtual ~ModelFile() = default;

  // Reads headers only; of tensors' data, no more than what tells how a quantised matrix is to be packed.
  static std::unique_ptr<ModelFile> open(const std::filesystem::path& path);

  const graph::ModelDescription& description() const { return description_; }
  // The bytes of description().tensors[index]; size equals its `bytes`. Of a coded one, its codes.
  virtual std::span<const std::byte> tensor_data(std::size_t index) const = 0;
  // Where description().tensors[index] is `coded`: its matrix, or one of its slices. Lives as long as this object.
  virtual const kernels::CodedMatrix& coded_matrix(std::size_t index, std::int64_t slice) const;
  // Tells the system that the pages of this tensor are no longer needed (they stay readable).
  virtual void release_pages(std::size_t index) const = 0;

  // Of all files that tensors are in.
  virtual std::vector<FileStamp> stamps() const = 0;

  // The GGUF container where the model is one (its tokenizer lives in the metadata), else nullptr.
  virtual const GgufFile* gguf() const { return nullptr; }
  // Where tokenizer.json, tokenizer.model, ... are looked for: the folder of the model.
  virtual std::filesystem::path folder() const = 0;

 protected:
  graph::ModelDescription description_;
};

}  // namespace burin::runtime
