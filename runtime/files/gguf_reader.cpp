#include "runtime/files/gguf_reader.hpp"

#include <algorithm>
#include <cstring>
#include <set>

#include "jit/error.hpp"
#include "runtime/files/ggml_types.hpp"
#include "runtime/files/mapped_file.hpp"

namespace burin::runtime {
namespace {

constexpr std::uint32_t kMagic = 0x46554747;  // "GGUF"
// Smallest encodings: an empty key with a one-byte value; a tensor of no dimensions.
constexpr std::uint64_t kSmallestMetadata = 8 + 4 + 1;
constexpr std::uint64_t kSmallestTensor = 8 + 4 + 4 + 8;
constexpr std::size_t kLongestKey = 65535;
constexpr std::size_t kLongestTensorName = 1024;
constexpr std::uint32_t kMostDimensions = 4;
constexpr std::int64_t kLargestDimension = std::int64_t{1} << 40;

}  // namespace

std::size_t gguf_scalar_bytes(GgufType type) {
  switch (type) {
    case GgufType::u8:
    case GgufType::i8:
    case GgufType::boolean: return 1;
    case GgufType::u16:
    case GgufType::i16: return 2;
    case GgufType::u32:
    case GgufType::i32:
    case GgufType::f32: return 4;
    case GgufType::u64:
    case GgufType::i64:
    case GgufType::f64: return 8;
    default: return 0;
  }
}

template <typename Value>
Value GgufReader::read(std::string_view field) {
  if (left() < sizeof(Value))
    fail("{}: {} is cut off at byte {}: the file has only {}: download it again", path_, field, at_,
         bytes_.size());
  Value value;
  std::memcpy(&value, bytes_.data() + at_, sizeof(value));
  at_ += sizeof(value);
  return value;
}

std::string_view GgufReader::read_text(std::string_view field, std::size_t longest) {
  const auto length = read<std::uint64_t>(field);
  if (length > left())
    fail("{}: {} has length {}: only {} bytes are left in the file", path_, field, length, left());
  if (length > longest) fail("{}: {} has length {}: at most {} is allowed", path_, field, length, longest);
  const std::string_view text(reinterpret_cast<const char*>(bytes_.data()) + at_,
                              static_cast<std::size_t>(length));
  at_ += text.size();
  return text;
}

std::uint32_t GgufReader::read_version() {
  if (read<std::uint32_t>("magic") != kMagic) fail("{}: magic is not GGUF: no GGUF file", path_);
  const auto version = read<std::uint32_t>("version");
  if (version == 1)
    fail("{}: version is 1: only 2 and 3 are supported: convert the model again with a current converter",
         path_);
  if ((version & 0xffffu) == 0 && version != 0)
    fail("{}: version is {:#x}: a big-endian file: convert the model for little-endian machines", path_,
         version);
  if (version != 2 && version != 3) fail("{}: version is {}: only 2 and 3 are supported", path_, version);
  return version;
}

GgufCounts GgufReader::read_counts() {
  GgufCounts counts;
  counts.tensors = read<std::uint64_t>("tensor count");
  counts.metadata = read<std::uint64_t>("metadata count");
  if (counts.tensors > left() / kSmallestTensor)
    fail("{}: tensor count is {}: more than the file's {} bytes can hold", path_, counts.tensors,
         bytes_.size());
  if (counts.metadata > left() / kSmallestMetadata)
    fail("{}: metadata count is {}: more than the file's {} bytes can hold", path_, counts.metadata,
         bytes_.size());
  return counts;
}

std::map<std::string, GgufValue, std::less<>> GgufReader::read_metadata(std::uint64_t count) {
  std::map<std::string, GgufValue, std::less<>> metadata;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string_view key = read_text(fmt::format("metadata key {}", i), kLongestKey);
    if (!is_utf8(key)) fail("{}: metadata key {} is '{}': not UTF-8", path_, i, printable(key));
    const GgufValue value = read_value(key);
    if (!metadata.emplace(key, value).second)
      fail("{}: metadata key '{}' stands twice", path_, printable(key));
  }
  return metadata;
}

GgufValue GgufReader::read_value(std::string_view key) {
  const std::string field = fmt::format("metadata {}", printable(key));
  GgufValue value;
  value.type = static_cast<GgufType>(read<std::uint32_t>(field + " type"));
  if (value.type == GgufType::array) {
    value.element = static_cast<GgufType>(read<std::uint32_t>(field + " element type"));
    value.count = read<std::uint64_t>(field + " length");
    value.offset = at_;
    skip_array(field, value);
    return value;
  }
  value.offset = at_;
  if (value.type == GgufType::text) {
    const std::string_view text = read_text(field, bytes_.size());
    if (!is_utf8(text)) fail("{}: {} is '{}': not UTF-8", path_, field, printable(text));
    return value;
  }
  const std::size_t size = gguf_scalar_bytes(value.type);
  if (size == 0) fail("{}: {} type is {}: unknown", path_, field, static_cast<std::uint32_t>(value.type));
  if (left() < size) fail("{}: {} is cut off: the file has only {} bytes", path_, field, bytes_.size());
  at_ += size;
  return value;
}

// Texts have to be walked to find the end; what they say is looked at by who uses them.
void GgufReader::skip_array(std::string_view field, const GgufValue& array) {
  if (array.element == GgufType::text) {
    if (array.count > left() / 8)
      fail("{}: {} has {} texts: more than the {} bytes left can hold", path_, field, array.count, left());
    for (std::uint64_t i = 0; i < array.count; ++i) {
      std::uint64_t length = 0;
      if (left() >= 8) std::memcpy(&length, bytes_.data() + at_, 8);
      if (left() < 8 || length > left() - 8)
        fail("{}: {} element {} has length {}: only {} bytes are left in the file", path_, field, i, length,
             left());
      at_ += 8 + static_cast<std::size_t>(length);
    }
    return;
  }
  const std::size_t size = gguf_scalar_bytes(array.element);
  if (size == 0)
    fail("{}: {} element type is {}: not supported in arrays", path_, field,
         static_cast<std::uint32_t>(array.element));
  if (array.count > left() / size)
    fail("{}: {} has {} elements: more than the {} bytes left can hold", path_, field, array.count, left());
  at_ += static_cast<std::size_t>(array.count) * size;
}

GgufTensor GgufReader::read_tensor() {
  GgufTensor tensor;
  const std::string_view name = read_text("tensor name", kLongestTensorName);
  if (!is_utf8(name)) fail("{}: tensor name is '{}': not UTF-8", path_, printable(name));
  tensor.name = std::string(name);
  const std::string field = "tensor " + printable(name);
  const auto dimensions = read<std::uint32_t>(field + " dimension count");
  if (dimensions < 1 || dimensions > kMostDimensions)
    fail("{}: {} has {} dimensions: 1 to {} are allowed", path_, field, dimensions, kMostDimensions);
  for (std::uint32_t i = 0; i < dimensions; ++i) {
    const auto dimension = read<std::uint64_t>(field + " dimension");
    if (dimension < 1 || dimension > static_cast<std::uint64_t>(kLargestDimension))
      fail("{}: {} dimension {} is {}: must be from 1 to {}", path_, field, i, dimension, kLargestDimension);
    tensor.shape.insert(tensor.shape.begin(),
                        static_cast<std::int64_t>(dimension));  // stored innermost first
  }
  tensor.type_id = read<std::uint32_t>(field + " type");
  tensor.offset = read<std::uint64_t>(field + " offset");
  tensor.bytes = tensor_bytes(tensor);
  return tensor;
}

std::uint64_t GgufReader::tensor_bytes(const GgufTensor& tensor) const {
  const std::string field = "tensor " + printable(tensor.name);
  const GgmlType* type = find_ggml_type(tensor.type_id);
  if (type == nullptr)
    fail("{}: {} type is {}: unknown: those from F32 (0) to MXFP4 (39) are supported", path_, field,
         tensor.type_id);
  if (tensor.shape.back() % type->elements != 0)
    fail("{}: {} has rows of {}: {} needs a multiple of {}", path_, field, tensor.shape.back(), type->name,
         type->elements);
  std::uint64_t blocks = static_cast<std::uint64_t>(tensor.shape.back() / type->elements);
  for (std::size_t i = 0; i + 1 < tensor.shape.size(); ++i)
    if (__builtin_mul_overflow(blocks, static_cast<std::uint64_t>(tensor.shape[i]), &blocks))
      fail("{}: {} has too many elements: their count overflows", path_, field);
  std::uint64_t bytes = 0;
  if (__builtin_mul_overflow(blocks, static_cast<std::uint64_t>(type->bytes), &bytes))
    fail("{}: {} is too large: its size overflows", path_, field);
  return bytes;
}

std::vector<GgufTensor> GgufReader::read_tensors(std::uint64_t count, std::uint64_t alignment) {
  std::vector<GgufTensor> tensors;
  std::set<std::string, std::less<>> names;
  for (std::uint64_t i = 0; i < count; ++i) {
    tensors.push_back(read_tensor());
    if (!names.insert(tensors.back().name).second)
      fail("{}: tensor {} stands twice", path_, printable(tensors.back().name));
  }
  const std::uint64_t data = (at_ + alignment - 1) / alignment * alignment;
  for (GgufTensor& tensor : tensors) {
    if (tensor.offset % alignment != 0)
      fail("{}: tensor {} offset is {}: not a multiple of the alignment {}", path_, printable(tensor.name),
           tensor.offset, alignment);
    const std::uint64_t available = bytes_.size() > data ? bytes_.size() - data : 0;
    if (tensor.offset > available || tensor.bytes > available - tensor.offset)
      fail("{}: tensor {} ends at byte {} + {} + {}: the file has only {}: download it again", path_,
           printable(tensor.name), data, tensor.offset, tensor.bytes, bytes_.size());
    tensor.offset += data;
  }
  refuse_overlaps(tensors);
  return tensors;
}

// Where every tensor has bytes of its own, a small file cannot describe a huge model.
void GgufReader::refuse_overlaps(const std::vector<GgufTensor>& tensors) const {
  std::vector<const GgufTensor*> sorted;
  for (const GgufTensor& tensor : tensors) sorted.push_back(&tensor);
  std::sort(sorted.begin(), sorted.end(),
            [](const GgufTensor* a, const GgufTensor* b) { return a->offset < b->offset; });
  for (std::size_t i = 1; i < sorted.size(); ++i)
    if (sorted[i - 1]->offset + sorted[i - 1]->bytes > sorted[i]->offset)
      fail("{}: tensor {} begins at byte {} of the file: within tensor {}, which ends at byte {}", path_,
           printable(sorted[i]->name), sorted[i]->offset, printable(sorted[i - 1]->name),
           sorted[i - 1]->offset + sorted[i - 1]->bytes);
}

}  // namespace burin::runtime
