// Texts that are kept in files and reviewed when they change: BURIN_BLESS=1 writes them anew.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "tests/support/reference_data.hpp"

namespace burin::tests {

inline bool blesses() {
  const char* bless = std::getenv("BURIN_BLESS");
  return bless != nullptr && std::string_view(bless) == "1";
}

// `command` is what writes the files of this test.
inline void expect_golden(const std::filesystem::path& path, const std::string& text,
                          std::string_view command) {
  if (blesses()) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  ASSERT_TRUE(std::filesystem::exists(path)) << path << ": if it is new: BURIN_BLESS=1 " << command;
  EXPECT_EQ(read_bytes(path), text) << "if this is meant: BURIN_BLESS=1 " << command;
}

}  // namespace burin::tests
