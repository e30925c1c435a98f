// A GGUF v2/v3 container: typed access to its metadata and tensor table.
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace burin::runtime {

// Ids of metadata value types, as stored.
enum class GgufType : std::uint32_t {
  u8 = 0,
  i8 = 1,
  u16 = 2,
  i16 = 3,
  u32 = 4,
  i32 = 5,
  f32 = 6,
  boolean = 7,
  text = 8,
  array = 9,
  u64 = 10,
  i64 = 11,
  f64 = 12,
};

// Where a value lies; arrays are only decoded when asked for.
struct GgufValue {
  GgufType type = GgufType::u8;
  GgufType element = GgufType::u8;  // arrays
  std::uint64_t count = 0;          // arrays
  std::size_t offset = 0;           // of the value's (first element's) bytes in the file
};

struct GgufTensor {
  std::string name;
  std::uint32_t type_id = 0;        // see ggml_types.hpp
  std::vector<std::int64_t> shape;  // row-major, outermost first
  std::uint64_t offset = 0;         // absolute, in the file
  std::uint64_t bytes = 0;
};

// Immutable after construction; thread-safe. The bytes must outlive it. Getters return nullopt or empty where
// the key is missing and throw burin::Error naming file, key and type where it has another type.
class GgufFile {
 public:
  // Reads the header only. Throws burin::Error naming file, field and value for anything malformed: every
  // length, count, offset and product is checked against the file before it is used.
  GgufFile(std::string path, std::span<const std::byte> bytes);

  const std::string& path() const { return path_; }
  std::uint32_t version() const { return version_; }
  const std::map<std::string, GgufValue, std::less<>>& metadata() const { return metadata_; }
  const std::vector<GgufTensor>& tensors() const { return tensors_; }

  bool has(std::string_view key) const { return find(key) != nullptr; }
  std::optional<std::string_view> text(std::string_view key) const;
  std::optional<std::int64_t> integer(std::string_view key) const;  // any integer type that fits
  std::optional<double> number(std::string_view key) const;         // any number type
  std::optional<bool> boolean(std::string_view key) const;
  // Texts are views into the file.
  std::vector<std::string_view> texts(std::string_view key) const;
  std::vector<float> floats(std::string_view key) const;
  std::vector<std::int64_t> integers(std::string_view key) const;

 private:
  const GgufValue* find(std::string_view key) const;
  const GgufValue* find_array(std::string_view key) const;
  [[noreturn]] void wrong_type(std::string_view key, std::string_view wanted) const;

  std::string path_;
  std::span<const std::byte> bytes_;
  std::uint32_t version_ = 0;
  std::map<std::string, GgufValue, std::less<>> metadata_;
  std::vector<GgufTensor> tensors_;
};

}  // namespace burin::runtime
