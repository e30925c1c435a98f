// What the library says when it refuses something: one line with the file and what is wrong in it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "jit/error.hpp"

namespace burin::tests {

// One line that a terminal shows as it is.
inline bool is_one_line(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  return !text.empty();
}

// The message of the burin::Error that `work` must throw. Every other exception fails the test.
template <typename Work>
std::string refusal_of(Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).size(), std::string_view(error.what()).size());
    return error.what();
  }
  ADD_FAILURE() << "was not refused";
  return "";
}

// A single line that begins with the path and has all of these parts.
inline testing::Matcher<std::string> says(const std::filesystem::path& path,
                                          const std::vector<std::string>& parts) {
  std::vector<testing::Matcher<std::string>> all = {testing::ResultOf("one line", is_one_line, true),
                                                    testing::StartsWith(path.string() + ": ")};
  for (const std::string& part : parts) all.emplace_back(testing::HasSubstr(part));
  return testing::AllOfArray(all);
}

}  // namespace burin::tests
