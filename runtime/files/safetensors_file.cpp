#include "runtime/files/safetensors_file.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include "jit/error.hpp"
#include "runtime/files/json_text.hpp"
#include "runtime/files/mapped_file.hpp"

namespace burin::runtime {
namespace {

constexpr std::uint64_t kLargestHeader = 100'000'000;  // the reference implementation's limit
constexpr std::size_t kMostDimensions = 16;
constexpr std::uint64_t kLargestDimension = std::uint64_t{1} << 40;

struct Type {
  std::string_view name;
  std::uint64_t bits;
  std::optional<kernels::StoredType> stored;
};

constexpr Type kTypes[] = {
    {"F32", 32, kernels::StoredType::f32},
    {"F16", 16, kernels::StoredType::f16},
    {"BF16", 16, kernels::StoredType::bf16},
    {"F64", 64, std::nullopt},
    {"I64", 64, std::nullopt},
    {"U64", 64, std::nullopt},
    {"I32", 32, std::nullopt},
    {"U32", 32, std::nullopt},
    {"I16", 16, std::nullopt},
    {"U16", 16, std::nullopt},
    {"I8", 8, std::nullopt},
    {"U8", 8, std::nullopt},
    {"BOOL", 8, std::nullopt},
    {"F8_E4M3", 8, std::nullopt},
    {"F8_E5M2", 8, std::nullopt},
    {"F8_E8M0", 8, std::nullopt},
    {"F4", 4, std::nullopt},
};

class HeaderReader {
 public:
  HeaderReader(const std::string& path, std::span<const std::byte> bytes) : path_(path), bytes_(bytes) {}

  SafetensorsFile read() {
    const std::string_view header = header_text();
    data_ = bytes_.subspan(8 + header.size());
    const nlohmann::json json = parse_json_object(path_, header);
    SafetensorsFile file;
    for (const auto& [name, entry] : json.items()) {
      if (name == "__metadata__")
        read_metadata(entry, file.metadata);
      else
        file.tensors.push_back(read_tensor(name, entry));
    }
    check_layout(file.tensors);
    return file;
  }

 private:
  std::string_view header_text() const {
    if (bytes_.size() < 8) fail("{}: has only {} bytes: no safetensors file", path_, bytes_.size());
    std::uint64_t length = 0;
    std::memcpy(&length, bytes_.data(), sizeof(length));
    if (length > kLargestHeader || length > bytes_.size() - 8)
      fail("{}: header length is {}: the file has {} bytes: damaged, or no safetensors file", path_, length,
           bytes_.size());
    return {reinterpret_cast<const char*>(bytes_.data()) + 8, static_cast<std::size_t>(length)};
  }

  void read_metadata(const nlohmann::json& entry, std::map<std::string, std::string>& metadata) const {
    if (!entry.is_object()) fail("{}: __metadata__ is {}: an object is expected", path_, entry.type_name());
    for (const auto& [key, value] : entry.items()) {
      if (!value.is_string())
        fail("{}: __metadata__ {} is {}: a text is expected", path_, printable(key), value.type_name());
      metadata[key] = value.get<std::string>();
    }
  }

  SafetensorsTensor read_tensor(const std::string& name, const nlohmann::json& entry) const {
    const std::string field = "tensor " + printable(name);
    if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") ||
        !entry.contains("data_offsets"))
      fail("{}: {} lacks dtype, shape or data_offsets", path_, field);
    SafetensorsTensor tensor;
    tensor.description.name = name;
    const Type& type = find_type(field, entry["dtype"]);
    tensor.description.type_name = std::string(type.name);
    tensor.description.type = type.stored;
    const std::uint64_t bytes = read_shape(field, entry["shape"], type, tensor.description.shape);
    tensor.data = read_extent(field, entry["data_offsets"], bytes);
    tensor.description.bytes = bytes;
    return tensor;
  }

  const Type& find_type(const std::string& field, const nlohmann::json& name) const {
    if (!name.is_string()) fail("{}: {} dtype is {}: a text is expected", path_, field, name.type_name());
    const auto& text = name.get_ref<const std::string&>();
    const auto* at =
        std::find_if(std::begin(kTypes), std::end(kTypes), [&](const Type& t) { return t.name == text; });
    if (at == std::end(kTypes)) fail("{}: {} dtype is '{}': unknown", path_, field, printable(text));
    return *at;
  }

  // Returns the tensor's bytes.
  std::uint64_t read_shape(const std::string& field, const nlohmann::json& json, const Type& type,
                           std::vector<std::int64_t>& shape) const {
    if (!json.is_array() || json.size() > kMostDimensions)
      fail("{}: {} shape is no array of at most {} numbers", path_, field, kMostDimensions);
    std::uint64_t bits = type.bits;
    for (const nlohmann::json& dimension : json) {
      if (!dimension.is_number_unsigned() || dimension.get<std::uint64_t>() > kLargestDimension)
        fail("{}: {} shape has {}: whole numbers up to {} are allowed", path_, field,
             printable(dimension.dump()), kLargestDimension);
      shape.push_back(dimension.get<std::int64_t>());
      if (__builtin_mul_overflow(bits, dimension.get<std::uint64_t>(), &bits))
        fail("{}: {} is too large: its size overflows", path_, field);
    }
    return (bits + 7) / 8;
  }

  std::span<const std::byte> read_extent(const std::string& field, const nlohmann::json& json,
                                         std::uint64_t bytes) const {
    if (!json.is_array() || json.size() != 2 || !json[0].is_number_unsigned() ||
        !json[1].is_number_unsigned())
      fail("{}: {} data_offsets are no two whole numbers", path_, field);
    const auto begin = json[0].get<std::uint64_t>();
    const auto end = json[1].get<std::uint64_t>();
    if (begin > end || end > data_.size())
      fail("{}: {} data_offsets are {} to {}: the file has {} bytes of data: download it again", path_, field,
           begin, end, data_.size());
    if (end - begin != bytes)
      fail("{}: {} has {} bytes: its shape and dtype need {}", path_, field, end - begin, bytes);
    return data_.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(bytes));
  }

  // Tensors may not overlap; the format also forbids holes, at the end too.
  void check_layout(const std::vector<SafetensorsTensor>& tensors) const {
    std::vector<const SafetensorsTensor*> sorted;
    for (const SafetensorsTensor& tensor : tensors) sorted.push_back(&tensor);
    std::sort(sorted.begin(), sorted.end(), [](const SafetensorsTensor* a, const SafetensorsTensor* b) {
      return std::pair(a->data.data(), a->data.size()) < std::pair(b->data.data(), b->data.size());
    });
    const std::byte* next = data_.data();
    for (const SafetensorsTensor* tensor : sorted) {
      if (tensor->data.data() != next)
        fail("{}: tensor {} begins at byte {} of the data: {} is expected (no overlap, no hole)", path_,
             printable(tensor->description.name), tensor->data.data() - data_.data(), next - data_.data());
      next = tensor->data.data() + tensor->data.size();
    }
    if (next != data_.data() + data_.size())
      fail("{}: {} bytes of data belong to no tensor", path_, data_.data() + data_.size() - next);
  }

  const std::string& path_;
  std::span<const std::byte> bytes_;
  std::span<const std::byte> data_;
};

}  // namespace

SafetensorsFile read_safetensors(const std::string& path, std::span<const std::byte> bytes) {
  return HeaderReader(path, bytes).read();
}

}  // namespace burin::runtime
