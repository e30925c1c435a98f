// What the built libraries show and need, and what the public headers include.
#if defined(__GNUC__) && !defined(__clang__)
// A false positive in std::regex under the address sanitizer (GCC bug 105562).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <regex>
#include <set>

#include "tests/api/library_symbols.hpp"
#include "tests/support/reference_data.hpp"
#include "tests/support/run_command.hpp"
#include "tests/support/sanitized.hpp"

namespace burin::tests {
namespace {

// C functions, what debuggers look for, public classes with what the compiler makes of them, and the free functions of burin::.
TEST(Symbols, OnlyThePublicOnesAreVisible) {
  const std::regex allowed(
      R"(burin_\w+|__jit_debug_(descriptor|register_code)|((typeinfo|typeinfo name|vtable) for )?burin::(Model|Session|Tokenizer|TextStreamer)(::.*)?|burin::(to_text|version|add_linked_kernels|has_emitter)\(.*)");
  const std::vector<Symbol> visible = symbols("-D --defined-only " BURIN_SHARED_LIBRARY);
  EXPECT_GT(visible.size(), 60u);
  for (const Symbol& symbol : visible) EXPECT_TRUE(std::regex_match(symbol.name, allowed)) << symbol.name;
}

// Printing, ending the process, and changing what is the host's: no code of the library calls these.
TEST(Symbols, NothingIsCalledThatIsTheHosts) {
#ifdef BURIN_TESTS_SANITIZED
  GTEST_SKIP() << "skipped: the sanitizer's own code is in the library and prints";
#endif
  const std::set<std::string> forbidden = {"printf",
                                           "fprintf",
                                           "vprintf",
                                           "vfprintf",
                                           "puts",
                                           "fputs",
                                           "putchar",
                                           "fputc",
                                           "fwrite",
                                           "perror",
                                           "syslog",
                                           "exit",
                                           "_exit",
                                           "quick_exit",
                                           "abort",
                                           "raise",
                                           "signal",
                                           "sigaction",
                                           "setlocale",
                                           "uselocale",
                                           "fesetround",
                                           "fesetenv",
                                           "std::cout",
                                           "std::cerr",
                                           "std::clog",
                                           "setenv",
                                           "putenv",
                                           "chdir",

                                           "sched_setaffinity",
                                           "setrlimit",
                                           "atexit",
                                           "std::locale::global(std::locale const&)"};
  int needed = 0;
  for (const Symbol& symbol : symbols("-D --undefined-only " BURIN_SHARED_LIBRARY)) {
    const std::string name = symbol.name.substr(0, symbol.name.find('@'));
    EXPECT_FALSE(forbidden.contains(name)) << name;
    ++needed;
  }
  EXPECT_GT(needed, 50);
}

// Names in an archive are the host's too: whatever is not the C++ library's own bears ours.
TEST(Symbols, OfTheStaticLibraryBearTheName) {
  int strong = 0;
  for (const Symbol& symbol : symbols("-g --defined-only " BURIN_STATIC_LIBRARY)) {
    if (std::string_view("WwVvu").find(symbol.type) != std::string_view::npos) continue;
    EXPECT_NE(symbol.name.find("burin"), std::string::npos) << symbol.name;
    ++strong;
  }
  EXPECT_GT(strong, 500);
}

TEST(Symbols, TheNameOfTheLibraryHasItsVersion) {
  const std::string path = std::filesystem::canonical(BURIN_SHARED_LIBRARY).filename().string();
  std::string version = run_burin({"--version"}).output;
  version.pop_back();
  EXPECT_EQ(path, "libburin.so." + version);
}

TEST(PublicHeaders, IncludeThemselvesAndTheStandardLibraryOnly) {
  const std::regex include("#include ([<\"])([^>\"]+)");
  int headers = 0;
  for (const auto& entry : std::filesystem::directory_iterator(BURIN_SOURCE_DIR "/include/burin")) {
    ++headers;
    const std::string text = read_bytes(entry.path().string());
    for (std::sregex_iterator match(text.begin(), text.end(), include), end; match != end; ++match) {
      const std::string name = (*match)[2];
      const bool own = (*match)[1] == "\"";
      const std::string path = BURIN_SOURCE_DIR "/include/" + name;
      EXPECT_TRUE(own ? std::filesystem::exists(path)
                      : std::regex_match(name, std::regex("[a-z_]+|std(def|int)\\.h")))
          << entry.path() << ": " << name;
    }
  }
  EXPECT_GE(headers, 9);
}

}  // namespace
}  // namespace burin::tests
