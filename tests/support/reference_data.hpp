// The reference models and vectors beside the repository, which may be missing.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace burin::tests {

inline std::filesystem::path reference_path(const std::string& path) {
  return std::filesystem::path(BURIN_REFERENCE_DATA) / path;
}

inline std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline nlohmann::json read_json(const std::filesystem::path& path) {
  return nlohmann::json::parse(read_bytes(path));
}

inline std::vector<float> read_floats(const std::filesystem::path& path) {
  const std::string bytes = read_bytes(path);
  std::vector<float> values(bytes.size() / sizeof(float));
  bytes.copy(reinterpret_cast<char*>(values.data()), values.size() * sizeof(float));
  return values;
}

}  // namespace burin::tests

// Ends the test as skipped where a file or folder of the reference data is not there.
#define BURIN_NEEDS_REFERENCE(path)                                 \
  if (!std::filesystem::exists(burin::tests::reference_path(path))) \
  GTEST_SKIP() << "no reference data: " << burin::tests::reference_path(path)
