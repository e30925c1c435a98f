// One input of a fuzzer as several files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace burin::tests {

inline constexpr std::string_view kNextFile = "\n--- next file\n";

inline std::string files_in_one(const std::vector<std::string>& files) {
  std::string all;
  for (const std::string& file : files) {
    if (&file != &files.front()) all += kNextFile;
    all += file;
  }
  return all;
}

// Always `count` of them: those that are missing are empty, the last has all that is left.
inline std::vector<std::string_view> files_of(const std::uint8_t* data, std::size_t size, std::size_t count) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::vector<std::string_view> files;
  while (files.size() + 1 < count) {
    const std::size_t end = rest.find(kNextFile);
    files.push_back(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + kNextFile.size());
  }
  files.push_back(rest);
  return files;
}

}  // namespace burin::tests
