// Every public function says what it does: a comment for Doxygen stands before its declaration or behind it.
#include <gmock/gmock.h>

#include <filesystem>
#include <regex>
#include <sstream>

#include "tests/support/reference_data.hpp"

namespace burin::tests {
namespace {

using Lines = std::vector<std::string>;

Lines lines_of(const std::filesystem::path& header) {
  Lines lines;
  std::istringstream text(read_bytes(header));
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

bool is_documented(const std::string& before, const std::string& line) {
  static const std::regex comment(R"(\s*///.*|.*\*/)");
  return std::regex_match(before, comment) || line.find("///<") != std::string::npos;
}

// First lines of declarations without a comment.
Lines undocumented_c(const Lines& lines) {
  Lines found;
  for (std::size_t i = 1; i < lines.size(); ++i)
    if (lines[i].starts_with("BURIN_API") && !is_documented(lines[i - 1], lines[i]))
      found.push_back(lines[i]);
  return found;
}

// What the compiler would make likewise, and what a base class documents, need no words.
Lines undocumented_cpp(const Lines& lines) {
  static const std::regex function(R"((  )?(BURIN_API )?[A-Za-z][^()]*\(.*)");
  static const std::regex special(
      R"(.*(~|operator=|= delete|= default| override|using ).*|\s+(\w+)\((const )?\2&&?\).*)");
  static const std::regex ends(R"(.*[;{}:]|\s*//.*|\s*|.*///<.*)");  // of what stands before a declaration
  Lines found;
  bool is_public = true;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    if (lines[i] == " private:") is_public = false;
    if (lines[i].starts_with("};")) is_public = true;
    if (is_public && std::regex_match(lines[i], function) && !std::regex_match(lines[i], special) &&
        std::regex_match(lines[i - 1], ends) && !is_documented(lines[i - 1], lines[i]))
      found.push_back(lines[i]);
  }
  return found;
}

TEST(Documentation, EveryPublicFunctionHasSome) {
  int headers = 0;
  for (const auto& entry : std::filesystem::directory_iterator(BURIN_SOURCE_DIR "/include/burin")) {
    const std::filesystem::path& header = entry.path();
    if (header.filename() == "export.h") continue;
    ++headers;
    const Lines lines = lines_of(header);
    EXPECT_THAT(header.extension() == ".h" ? undocumented_c(lines) : undocumented_cpp(lines),
                testing::IsEmpty())
        << header;
    EXPECT_THAT(lines[0] + lines[1], testing::HasSubstr("@file")) << header;
  }
  EXPECT_GE(headers, 8);
}

// That what is missing would be seen.
TEST(Documentation, LacksAreFound) {
  EXPECT_EQ(undocumented_c({"/** Words. */", "BURIN_API int a(void);", "BURIN_API int b(void);"}),
            Lines{"BURIN_API int b(void);"});
  EXPECT_EQ(undocumented_cpp({" public:", "  Model(const Model&);", "  ~Model();", "  /// Words.",
                              "  int a(int x,", "        int y) const;", "  int b() const;  ///< words",
                              "  int c() const;", " private:", "  int d();", "};"}),
            Lines{"  int c() const;"});
}

}  // namespace
}  // namespace burin::tests
