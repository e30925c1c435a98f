// Writes GGUF files, version 3. Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/model_description.hpp"

namespace burin::runtime {

// Key-value pairs in the order in which they were added. Keys must differ.
class GgufMetadata {
 public:
  void add(std::string_view key, std::uint32_t value);
  void add(std::string_view key, float value);
  void add(std::string_view key, bool value);
  void add(std::string_view key, std::string_view value);
  void add(std::string_view key, const char* value) { add(key, std::string_view(value)); }
  void add(std::string_view key, std::span<const std::string> values);
  void add(std::string_view key, std::span<const float> values);
  void add(std::string_view key, std::span<const std::int32_t> values);

  std::uint64_t count() const { return count_; }
  std::string_view bytes() const { return bytes_; }

 private:
  void add_key(std::string_view key, std::uint32_t type);
  void add_array(std::string_view key, std::uint32_t type, std::size_t count);

  std::string bytes_;
  std::uint64_t count_ = 0;
};

// Fills part of a tensor's data: the bytes from `offset` on. Pieces come in order and begin at whole blocks.
using TensorFiller = std::function<void(const graph::TensorDescription& tensor, std::uint64_t offset,
                                        std::span<std::byte> bytes)>;

// Tensors must have a type. Returns the file's bytes. Throws burin::Error naming the file for what the system refuses;
// nothing is left then.
std::uint64_t write_gguf(const std::string& path, const GgufMetadata& metadata,
                         std::span<const graph::TensorDescription> tensors, const TensorFiller& fill);

}  // namespace burin::runtime
