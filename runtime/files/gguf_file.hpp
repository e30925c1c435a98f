// A GGUF v2/v3 container: typed access to its metadata and tensor table.
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace burin::runtime {

class MappedFile;

// Immutable after open(); thread-safe. Metadata getters return nullopt / empty where the key is missing
// and throw burin::Error naming file, key and type where it has another type.
class GgufFile {
 public:
  struct Tensor {
    std::string name;
    std::uint32_t type_id = 0;        // ggml_type
    std::vector<std::int64_t> shape;  // row-major, outermost first
    std::uint64_t offset = 0;         // absolute, in the file
    std::uint64_t bytes = 0;
  };

  // Throws burin::Error for anything malformed; reads the header only.
  static std::unique_ptr<GgufFile> open(const std::filesystem::path& path);
  ~GgufFile();

  const std::string& path() const;
  std::uint32_t version() const;

  bool has(std::string_view key) const;
  std::vector<std::string_view> keys() const;
  std::optional<std::string_view> text(std::string_view key) const;
  std::optional<std::int64_t> integer(std::string_view key) const;  // any integer type
  std::optional<double> number(std::string_view key) const;         // any number type
  std::optional<bool> boolean(std::string_view key) const;
  // Views into the mapping; valid as long as this object lives.
  std::vector<std::string_view> texts(std::string_view key) const;
  std::vector<float> floats(std::string_view key) const;
  std::vector<std::int64_t> integers(std::string_view key) const;

  const std::vector<Tensor>& tensors() const;
  const MappedFile& file() const;

 private:
  struct State;
  explicit GgufFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace burin::runtime
