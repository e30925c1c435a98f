// The build id follows the sources: the script that computes it, on copies with one thing changed.
#include "jit/build_id.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <regex>

#include "jit/error.hpp"
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

  const tests::TemporaryFolder temporary_;
};

TEST_F(BuildId, IsTheSameForTheSameSources) {
  const Ids first = ids();
  const Ids second = ids();
  EXPECT_EQ(first.build, second.build);
  EXPECT_EQ(first.arguments, second.arguments);
}

TEST_F(BuildId, AFieldAddedToAKeyIsAnotherVersion) {
  const Ids before = ids();
  replace(root() / "templates/gemm/gemm_spec.hpp", "  bool bias = false;",
          "  bool bias = false;\n  bool extra = false;");
  const Ids after = ids();
  EXPECT_NE(after.build, before.build);
  EXPECT_NE(after.arguments, before.arguments);
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
