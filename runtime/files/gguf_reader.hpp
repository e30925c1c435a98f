// Walks a GGUF header once, checking every length, count, offset and product before it is used.
#pragma once

#include "runtime/files/gguf_file.hpp"

namespace burin::runtime {

struct GgufCounts {
  std::uint64_t tensors = 0;
  std::uint64_t metadata = 0;
};

// Bytes of a scalar value; 0 for texts, arrays and unknown types.
std::size_t gguf_scalar_bytes(GgufType type);

class GgufReader {
 public:
  GgufReader(const std::string& path, std::span<const std::byte> bytes) : path_(path), bytes_(bytes) {}

  std::uint32_t read_version();  // also the magic
  GgufCounts read_counts();
  std::map<std::string, GgufValue, std::less<>> read_metadata(std::uint64_t count);
  // Positions become absolute; every tensor lies within the file.
  std::vector<GgufTensor> read_tensors(std::uint64_t count, std::uint64_t alignment);

 private:
  std::size_t left() const { return bytes_.size() - at_; }
  template <typename Value>
  Value read(std::string_view field);
  std::string_view read_text(std::string_view field, std::size_t longest);
  GgufValue read_value(std::string_view key);
  void skip_array(std::string_view key, const GgufValue& array);
  GgufTensor read_tensor();
  std::uint64_t tensor_bytes(const GgufTensor& tensor) const;
  void refuse_overlaps(const std::vector<GgufTensor>& tensors) const;

  const std::string& path_;
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
};

}  // namespace burin::runtime
