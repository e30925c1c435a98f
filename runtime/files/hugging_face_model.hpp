// A model in a Hugging Face folder: config.json and safetensors, whole or sharded.
#pragma once

#include <vector>

#include "runtime/files/mapped_file.hpp"
#include "runtime/files/model_file.hpp"

namespace burin::runtime {

class HuggingFaceModel final : public ModelFile {
 public:
  explicit HuggingFaceModel(std::filesystem::path folder);

  std::span<const std::byte> tensor_data(std::size_t index) const override { return data_[index]; }
  const kernels::CodedMatrix& coded_matrix(std::size_t index, std::int64_t slice) const override {
    return *coded_[index][static_cast<std::size_t>(slice)];
  }
  void release_pages(std::size_t index) const override { shards_[shard_of_[index]]->release(data_[index]); }
  std::vector<FileStamp> stamps() const override;
  std::filesystem::path folder() const override { return folder_; }

 private:
  void read_config();
  void add_shard(const std::filesystem::path& path);
  void add_sharded(const std::filesystem::path& index);
  void add_shared_tensors();
  void take_quantised();
  int order_index(std::vector<std::int32_t> order);  // in description_.orders
  void forget(const std::vector<bool>& gone);        // tensors that are part of others

  std::filesystem::path folder_;
  std::vector<std::unique_ptr<MappedFile>> shards_;
  std::vector<std::span<const std::byte>> data_;  // per tensor
  std::vector<std::size_t> shard_of_;
  std::vector<std::vector<std::unique_ptr<kernels::CodedMatrix>>> coded_;  // per tensor: its slices
  std::vector<std::pair<std::string, std::string>> shared_;  // name that is missing, name that is stored
};

}  // namespace burin::runtime
