// The C ABI against its committed description, abi.txt: what a host was compiled against must stay. Fields may be
// added behind the others, functions and enumerators beside them; anything else is a new major version. Written
// anew with BURIN_BLESS=1 api_test --gtest_filter=Abi.*
#if defined(__GNUC__) && !defined(__clang__)
// A false positive in std::regex under the address sanitizer (GCC bug 105562).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <string_view>

#include "runtime/api/c_support.hpp"
#include "tests/api/abi_table.hpp"
#include "tests/api/library_symbols.hpp"
#include "tests/support/reference_data.hpp"

namespace burin::tests {
namespace {

const std::string kDescription = BURIN_SOURCE_DIR "/tests/api/abi.txt";

std::string sizes_and_offsets() {
  std::string text;
  for (const AbiStruct& structure : abi_structs()) {
    text += fmt::format("struct {}: {} bytes\n", structure.name, structure.size);
    for (const AbiField& field : structure.fields)
      text += fmt::format("  {:3} {:2} {}\n", field.offset, field.size, field.name);
  }
  return text;
}

// The header without comments and preprocessor, a line per declaration.
std::string declarations() {
  std::string text = read_bytes(BURIN_SOURCE_DIR "/include/burin/burin.h");
  text = std::regex_replace(text, std::regex(R"(/\*[^*]*\*+([^/*][^*]*\*+)*/)"), " ");
  text = std::regex_replace(text, std::regex("(^|\n)#[^\n]*"), "\n");
  text = std::regex_replace(text, std::regex("extern \"C\" \\{"), " ");
  text = std::regex_replace(text, std::regex("\\s+"), " ");
  std::string lines;
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{') ++depth;
    if (text[i] == '}') --depth;
    if (text[i] == ' ' && (lines.empty() || lines.back() == '\n')) continue;
    lines += text[i];
    if (text[i] == ';' && depth == 0) lines += '\n';
  }
  return lines.substr(0, lines.rfind('\n') + 1);  // without the brace that ends extern "C"
}

std::vector<std::string> exported_c_functions() {
  std::vector<std::string> names;
  for (const Symbol& symbol : symbols("-D --defined-only " BURIN_SHARED_LIBRARY))
    if (symbol.name.starts_with("burin_")) names.push_back(symbol.name);
  std::sort(names.begin(), names.end());
  return names;
}

TEST(Abi, IsAsDescribed) {
  std::string text = "Sizes and offsets, offset and size of each field:\n" + sizes_and_offsets() +
                     "\nDeclarations:\n" + declarations() + "\nExported functions:\n";
  for (const std::string& name : exported_c_functions()) text += name + "\n";
  const char* bless = std::getenv("BURIN_BLESS");
  if (bless != nullptr && std::string_view(bless) == "1")
    std::ofstream(kDescription, std::ios::binary) << text;
  EXPECT_EQ(text, read_bytes(kDescription))
      << "if this is meant: BURIN_BLESS=1 api_test --gtest_filter=Abi.*";
}

TEST(Abi, EveryDeclaredFunctionIsExported) {
  const std::string text = declarations();
  const std::regex function("BURIN_API [^(]*?(burin_\\w+)\\(");
  std::vector<std::string> declared;
  for (std::sregex_iterator match(text.begin(), text.end(), function), end; match != end; ++match)
    declared.push_back((*match)[1]);
  std::sort(declared.begin(), declared.end());
  EXPECT_GT(declared.size(), 25u);
  EXPECT_EQ(declared, exported_c_functions());
}

// Every field of the header is in the table, and the table's order is the header's: no field is forgotten.
TEST(Abi, TableHasAllFields) {
  const std::string text = declarations();
  for (const AbiStruct& structure : abi_structs()) {
    const std::size_t begin = text.find(std::string("typedef struct ") + structure.name + " {");
    ASSERT_NE(begin, std::string::npos) << structure.name;
    const std::string body = text.substr(begin, text.find("} ", begin) - begin);
    EXPECT_EQ(std::count(body.begin(), body.end(), ';'), static_cast<std::ptrdiff_t>(structure.fields.size()))
        << body;
    EXPECT_STREQ(structure.fields.front().name, "size");
    EXPECT_EQ(structure.fields.front().offset, 0u);
  }
}

// What the first version had is all that every host is sure to have; it never grows.
TEST(Abi, FirstSizesAreThoseOfTheFirstVersion) {
  EXPECT_EQ(api::kFirstSize<burin_executor>, 40u);
  EXPECT_EQ(api::kFirstSize<burin_quantization>, 48u);
  EXPECT_EQ(api::kFirstSize<burin_load_options>, 128u);
  EXPECT_EQ(api::kFirstSize<burin_sampling_options>, 40u);
  EXPECT_EQ(api::kFirstSize<burin_session_options>, 40u);
  EXPECT_EQ(api::kFirstSize<burin_generation_options>, 56u);
  EXPECT_EQ(api::kFirstSize<burin_generation>, 40u);
  EXPECT_EQ(api::kFirstSize<burin_beam_search_options>, 32u);
}

}  // namespace
}  // namespace burin::tests
