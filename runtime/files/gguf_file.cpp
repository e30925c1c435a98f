#include "runtime/files/gguf_file.hpp"

#include <cstring>
#include <limits>

#include "jit/error.hpp"
#include "runtime/files/gguf_reader.hpp"

namespace burin::runtime {
namespace {

template <typename Value>
Value read_at(std::span<const std::byte> bytes, std::size_t offset) {
  Value value;
  std::memcpy(&value, bytes.data() + offset, sizeof(value));
  return value;
}

// Integers of any stored width; unsigned 64-bit ones that do not fit give nullopt.
std::optional<std::int64_t> read_integer(std::span<const std::byte> bytes, GgufType type,
                                         std::size_t offset) {
  switch (type) {
    case GgufType::u8: return read_at<std::uint8_t>(bytes, offset);
    case GgufType::i8: return read_at<std::int8_t>(bytes, offset);
    case GgufType::u16: return read_at<std::uint16_t>(bytes, offset);
    case GgufType::i16: return read_at<std::int16_t>(bytes, offset);
    case GgufType::u32: return read_at<std::uint32_t>(bytes, offset);
    case GgufType::i32: return read_at<std::int32_t>(bytes, offset);
    case GgufType::i64: return read_at<std::int64_t>(bytes, offset);
    case GgufType::u64: {
      const auto value = read_at<std::uint64_t>(bytes, offset);
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
      return static_cast<std::int64_t>(value);
    }
    default: return std::nullopt;
  }
}

}  // namespace

GgufFile::GgufFile(std::string path, std::span<const std::byte> bytes)
    : path_(std::move(path)), bytes_(bytes) {
  GgufReader reader(path_, bytes_);
  version_ = reader.read_version();
  const GgufCounts counts = reader.read_counts();
  metadata_ = reader.read_metadata(counts.metadata);
  std::uint64_t alignment = 32;
  if (const std::optional<std::int64_t> stored = integer("general.alignment")) {
    if (*stored < 1 || *stored > (1 << 20) || (*stored & (*stored - 1)) != 0)
      fail("{}: general.alignment is {}: must be a power of two up to 1048576", path_, *stored);
    alignment = static_cast<std::uint64_t>(*stored);
  }
  tensors_ = reader.read_tensors(counts.tensors, alignment);
}

const GgufValue* GgufFile::find(std::string_view key) const {
  const auto at = metadata_.find(key);
  return at == metadata_.end() ? nullptr : &at->second;
}

const GgufValue* GgufFile::find_array(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value != nullptr && value->type != GgufType::array) wrong_type(key, "an array");
  return value;
}

void GgufFile::wrong_type(std::string_view key, std::string_view wanted) const {
  const GgufValue* value = find(key);
  fail("{}: metadata {} has type {}: {} is expected", path_, key, static_cast<std::uint32_t>(value->type),
       wanted);
}

std::optional<std::string_view> GgufFile::text(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type != GgufType::text) wrong_type(key, "a text (8)");
  const auto length = static_cast<std::size_t>(read_at<std::uint64_t>(bytes_, value->offset));
  return std::string_view(reinterpret_cast<const char*>(bytes_.data()) + value->offset + 8, length);
}

std::optional<std::int64_t> GgufFile::integer(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  const std::optional<std::int64_t> number = read_integer(bytes_, value->type, value->offset);
  if (!number) wrong_type(key, "a whole number of at most 63 bits");
  return number;
}

std::optional<double> GgufFile::number(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type == GgufType::f32) return static_cast<double>(read_at<float>(bytes_, value->offset));
  if (value->type == GgufType::f64) return read_at<double>(bytes_, value->offset);
  const std::optional<std::int64_t> whole = read_integer(bytes_, value->type, value->offset);
  if (!whole) wrong_type(key, "a number");
  return static_cast<double>(*whole);
}

std::optional<bool> GgufFile::boolean(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type != GgufType::boolean) wrong_type(key, "a boolean (7)");
  return read_at<std::uint8_t>(bytes_, value->offset) != 0;
}

std::vector<std::string_view> GgufFile::texts(std::string_view key) const {
  const GgufValue* value = find_array(key);
  if (value == nullptr) return {};
  if (value->element != GgufType::text) wrong_type(key, "an array of texts");
  std::vector<std::string_view> all;
  all.reserve(static_cast<std::size_t>(value->count));  // the reader has walked all of them
  std::size_t offset = value->offset;
  for (std::uint64_t i = 0; i < value->count; ++i) {
    const auto length = static_cast<std::size_t>(read_at<std::uint64_t>(bytes_, offset));
    all.emplace_back(reinterpret_cast<const char*>(bytes_.data()) + offset + 8, length);
    offset += 8 + length;
  }
  return all;
}

std::vector<float> GgufFile::floats(std::string_view key) const {
  const GgufValue* value = find_array(key);
  if (value == nullptr) return {};
  if (value->element != GgufType::f32) wrong_type(key, "an array of 32-bit floats");
  std::vector<float> all(static_cast<std::size_t>(value->count));
  if (!all.empty()) std::memcpy(all.data(), bytes_.data() + value->offset, all.size() * sizeof(float));
  return all;
}

std::vector<std::int64_t> GgufFile::integers(std::string_view key) const {
  const GgufValue* value = find_array(key);
  if (value == nullptr) return {};
  std::vector<std::int64_t> all;
  all.reserve(static_cast<std::size_t>(value->count));
  const std::size_t size = gguf_scalar_bytes(value->element);
  for (std::uint64_t i = 0; i < value->count; ++i) {
    const std::optional<std::int64_t> number =
        size == 0 ? std::nullopt
                  : read_integer(bytes_, value->element, value->offset + static_cast<std::size_t>(i) * size);
    if (!number) wrong_type(key, "an array of whole numbers");
    all.push_back(*number);
  }
  return all;
}

}  // namespace burin::runtime
