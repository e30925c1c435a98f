// The build id follows the sources: the script that computes it, on copies with one thing changed.
#include "jit/build_id.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <set>

#include "jit/error.hpp"
#include "tests/support/run_command.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::jit {
namespace {

namespace fs = std::filesystem;

struct Ids {
  std::string build;
  std::string arguments;
};

class BuildId : public testing::Test {
 protected:
  BuildId() {
    fs::create_directory(root());
    for (const char* folder : {"jit", "templates"})
      fs::copy(fs::path(BURIN_SOURCE_DIR) / folder, root() / folder, fs::copy_options::recursive);
    fs::create_directory(temporary_ / "xbyak");
    temporary_.write("xbyak/xbyak.h", "// VERSION 0x6680\n");
  }
  fs::path root() const { return temporary_ / "source"; }

  Ids ids(const std::string& compiler = "GNU 12.2.0") const {
    const fs::path output = temporary_ / "build_id.cpp";
    const std::string command = fmt::format(
        "'{}' '-DSOURCE={}' '-DXBYAK={}' '-DCOMPILER={}' '-DOUTPUT={}' -P '{}/cmake/write_build_id.cmake'",
        BURIN_CMAKE, root().string(), (temporary_ / "xbyak").string(), compiler, output.string(),
        BURIN_SOURCE_DIR);
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    std::ifstream stream(output);
    const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    std::smatch match;
    EXPECT_TRUE(
        std::regex_search(text, match, std::regex(R"(\{\{((?:0x[0-9a-f]{2}, ){32})\}, (0x[0-9a-f]{8})u\})")));
    return {match[1], match[2]};
  }

  void replace(const fs::path& file, const std::string& what, const std::string& with) const {
    std::ifstream stream(file);
    std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    const std::size_t at = text.find(what);
    ASSERT_NE(at, std::string::npos) << what << " in " << file;
    std::ofstream(file, std::ios::trunc) << text.replace(at, what.size(), with);
  }

  static std::string header(const std::string& kind) {
    return "templates/" + kind + "/" + kind + "_spec.hpp";
  }
  // Of kernels: each has a spec, whose text is the key.
  std::vector<std::string> kinds() const {
    std::vector<std::string> kinds;
    for (const auto& folder : fs::directory_iterator(root() / "templates"))
      if (const std::string kind = folder.path().filename(); fs::exists(root() / header(kind)))
        kinds.push_back(kind);
    EXPECT_GE(kinds.size(), 9u);
    return kinds;
  }
  void add_field(const std::string& kind) const {
    replace(root() / header(kind), fmt::format("kKind = \"{}\";", kind),
            fmt::format("kKind = \"{}\";\n  bool extra = false;", kind));
  }
  static std::string spec(const std::string& kind) {
    return static_cast<char>(std::toupper(kind[0])) + kind.substr(1) + "Spec";
  }
  // What the compiler says of a file that makes the text of every kind's spec.
  std::string compile_texts() const {
    std::string source = "#include \"jit/spec_text.hpp\"\n";
    for (const std::string& kind : kinds())
      source += fmt::format(
          "#include \"{}\"\nstd::string {}() {{ return burin::jit::spec_text(burin::kernels::{}()); }}\n",
          header(kind), kind, spec(kind));
    const std::string file = temporary_.write("source/texts.cpp", source).string();
    return tests::run_program(BURIN_CXX, {"-std=c++20", "-fsyntax-only", "-I" + root().string(), file})
        .errors;
  }

  const tests::TemporaryFolder temporary_;
};

TEST_F(BuildId, IsTheSameForTheSameSources) {
  const Ids first = ids();
  const Ids second = ids();
  EXPECT_EQ(first.build, second.build);
  EXPECT_EQ(first.arguments, second.arguments);
}

TEST_F(BuildId, AFieldAddedToAKeyIsAnotherVersion) {
  std::set<std::string> builds = {ids().build};
  std::set<std::string> arguments = {ids().arguments};
  for (const std::string& kind : kinds()) {
    add_field(kind);
    builds.insert(ids().build);
    arguments.insert(ids().arguments);
  }
  EXPECT_EQ(builds.size(), kinds().size() + 1);
  EXPECT_EQ(arguments.size(), kinds().size() + 1);
}

// Nor can the field be left out of the key's text: then the header does not compile.
TEST_F(BuildId, AFieldThatIsNotInTheTextDoesNotCompile) {
  EXPECT_EQ(compile_texts(), "");
  for (const std::string& kind : kinds()) add_field(kind);
  const std::string errors = compile_texts();
  for (const std::string& kind : kinds())
    EXPECT_THAT(errors, testing::ContainsRegex(spec(kind) + "[^\n]* decomposes into")) << errors;
}

TEST_F(BuildId, AFieldAddedToAnArgumentStructIsAnotherVersion) {
  const Ids before = ids();
  replace(root() / "templates/embed/embed_spec.hpp", "Arguments {", "Arguments {\n  int extra = 0;");
  EXPECT_NE(ids().arguments, before.arguments);
}

TEST_F(BuildId, ChangedEmittersAreAnotherBuildOfTheSameArguments) {
  const Ids before = ids();
  std::ofstream(root() / "jit/isa/avx2.cpp", std::ios::app) << "\n";
  const Ids after = ids();
  EXPECT_NE(after.build, before.build);
  EXPECT_EQ(after.arguments, before.arguments);
}

TEST_F(BuildId, FilesAddedMovedOrRemovedAreAnotherBuild) {
  const Ids before = ids();
  std::ofstream(root() / "templates/new.cpp") << "";
  const Ids added = ids();
  EXPECT_NE(added.build, before.build);
  fs::rename(root() / "templates/new.cpp", root() / "templates/newer.cpp");
  EXPECT_NE(ids().build, added.build);
  fs::remove(root() / "templates/newer.cpp");
  EXPECT_EQ(ids().build, before.build);
}

TEST_F(BuildId, XbyakAndTheCompilerCount) {
  const Ids before = ids();
  EXPECT_NE(ids("Clang 14.0.6").build, before.build);
  temporary_.write("xbyak/xbyak.h", "// VERSION 0x7000\n");
  EXPECT_NE(ids().build, before.build);
}

TEST_F(BuildId, OfThisProgramIsThere) {
  EXPECT_EQ(to_hex(this_emitter().build).size(), 64u);
  EXPECT_NE(this_emitter(), EmitterId());
}

}  // namespace
}  // namespace burin::jit
