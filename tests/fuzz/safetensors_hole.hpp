// Safetensors files without their data: as long as the header says, with zeros that take no memory.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "tests/support/safetensors_writer.hpp"

namespace burin::tests {

// Where the last tensor ends, or 0 where that is more than a small machine can map. Looks for "data_offsets": [a, b]
// only, as reading the header once more would take most of a fuzzer's time.
inline std::uint64_t bytes_of_data(std::string_view header) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 36;
  constexpr std::string_view kKey = "data_offsets";
  std::uint64_t end = 0;
  for (std::size_t at = 0; (at = header.find(kKey, at)) != std::string_view::npos;) {
    at = std::min(header.find(',', at + kKey.size()), header.size() - 1) + 1;
    at = std::min(header.find_first_not_of(' ', at), header.size());
    std::uint64_t offset = 0;
    std::from_chars(header.data() + at, header.data() + header.size(), offset);
    end = std::max(end, offset);
  }
  return end > kMost ? 0 : end;
}

inline void write_safetensors_without_data(const TemporaryFolder& folder, std::string_view header) {
  const std::filesystem::path path =
      folder.write("model.safetensors", safetensors_bytes(std::string(header), ""));
  std::filesystem::resize_file(path, 8 + header.size() + bytes_of_data(header));
}

}  // namespace burin::tests
