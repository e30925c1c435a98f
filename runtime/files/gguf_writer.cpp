#include "runtime/files/gguf_writer.hpp"

#include <algorithm>

#include "jit/error.hpp"
#include "runtime/files/ggml_types.hpp"
#include "runtime/files/new_file.hpp"

namespace burin::runtime {
namespace {

constexpr std::uint64_t kAlignment = 32;  // of the data, where general.alignment does not say
constexpr std::uint32_t kVersion = 3;
constexpr std::uint64_t kBlocksAtOnce = std::uint64_t{1} << 16;

// Ids of metadata types.
enum MetadataType : std::uint32_t { u32 = 4, i32 = 5, f32 = 6, boolean = 7, text = 8, array = 9 };

template <typename Value>
void append(std::string& bytes, Value value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void append_text(std::string& bytes, std::string_view value) {
  append(bytes, std::uint64_t{value.size()});
  bytes += value;
}

std::uint64_t padded(std::uint64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

const GgmlType& type_of(const graph::TensorDescription& tensor) {
  const GgmlType* type = tensor.type ? find_ggml_type(*tensor.type) : nullptr;
  if (type == nullptr) fail("tensor {}: GGUF has no type for {}", tensor.name, tensor.type_name);
  return *type;
}

std::string header(const GgufMetadata& metadata, std::span<const graph::TensorDescription> tensors) {
  std::string bytes = "GGUF";
  append(bytes, kVersion);
  append(bytes, std::uint64_t{tensors.size()});
  append(bytes, metadata.count());
  bytes += metadata.bytes();
  std::uint64_t offset = 0;
  for (const graph::TensorDescription& tensor : tensors) {
    append_text(bytes, tensor.name);
    append(bytes, static_cast<std::uint32_t>(tensor.shape.size()));
    // Innermost first.
    std::for_each(tensor.shape.rbegin(), tensor.shape.rend(),
                  [&](std::int64_t size) { append(bytes, static_cast<std::uint64_t>(size)); });
    append(bytes, type_of(tensor).id);
    append(bytes, offset);
    offset += padded(tensor.bytes);
  }
  bytes.resize(padded(bytes.size()), '\0');
  return bytes;
}

void write_tensor(NewFile& file, const graph::TensorDescription& tensor, const TensorFiller& fill) {
  const std::uint64_t piece = kBlocksAtOnce * static_cast<std::uint64_t>(type_of(tensor).bytes);
  std::vector<std::byte> bytes;
  for (std::uint64_t offset = 0; offset < tensor.bytes; offset += piece) {
    bytes.assign(std::min(piece, tensor.bytes - offset), std::byte{0});
    fill(tensor, offset, bytes);
    file.write(bytes);
  }
  file.write(std::vector<std::byte>(padded(tensor.bytes) - tensor.bytes));
}

}  // namespace

void GgufMetadata::add_key(std::string_view key, std::uint32_t type) {
  append_text(bytes_, key);
  append(bytes_, type);
  ++count_;
}

void GgufMetadata::add_array(std::string_view key, std::uint32_t type, std::size_t count) {
  add_key(key, MetadataType::array);
  append(bytes_, type);
  append(bytes_, std::uint64_t{count});
}

void GgufMetadata::add(std::string_view key, std::uint32_t value) {
  add_key(key, MetadataType::u32);
  append(bytes_, value);
}

void GgufMetadata::add(std::string_view key, float value) {
  add_key(key, MetadataType::f32);
  append(bytes_, value);
}

void GgufMetadata::add(std::string_view key, bool value) {
  add_key(key, MetadataType::boolean);
  append(bytes_, static_cast<std::uint8_t>(value));
}

void GgufMetadata::add(std::string_view key, std::string_view value) {
  add_key(key, MetadataType::text);
  append_text(bytes_, value);
}

void GgufMetadata::add(std::string_view key, std::span<const std::string> values) {
  add_array(key, MetadataType::text, values.size());
  for (const std::string& value : values) append_text(bytes_, value);
}

void GgufMetadata::add(std::string_view key, std::span<const float> values) {
  add_array(key, MetadataType::f32, values.size());
  for (const float value : values) append(bytes_, value);
}

void GgufMetadata::add(std::string_view key, std::span<const std::int32_t> values) {
  add_array(key, MetadataType::i32, values.size());
  for (const std::int32_t value : values) append(bytes_, value);
}

std::uint64_t write_gguf(const std::string& path, const GgufMetadata& metadata,
                         std::span<const graph::TensorDescription> tensors, const TensorFiller& fill) {
  const std::string head = header(metadata, tensors);
  NewFile file(path);
  file.write(std::as_bytes(std::span(head)));
  std::uint64_t bytes = head.size();
  for (const graph::TensorDescription& tensor : tensors) {
    write_tensor(file, tensor, fill);
    bytes += padded(tensor.bytes);
  }
  file.commit();
  return bytes;
}

}  // namespace burin::runtime
