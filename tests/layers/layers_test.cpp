// Includes point down. The made-up trees show that the check sees what breaks the rules.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/layers/layer_rules.hpp"

namespace burin::tests {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Layers, IncludesPointDown) {
  EXPECT_GT(count_layer_files(BURIN_SOURCE_DIR), 20u) << "no source tree at " << BURIN_SOURCE_DIR;
  EXPECT_THAT(broken_layer_rules(BURIN_SOURCE_DIR), IsEmpty());
}

class MadeUpTree : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("burin-layers-" + std::to_string(getpid()));
    fs::remove_all(root_);
    write("jit/assembler.hpp", "#include <xbyak/xbyak.h>\n");
    write("jit/error.hpp", "#include <string>\n");
    write("templates/spec.hpp", "#pragma once\n#include \"jit/error.hpp\"\n");
    write("templates/emit.cpp", "#include \"jit/assembler.hpp\"\n#include \"templates/spec.hpp\"\n");
    write("graph/plan.hpp", "#include \"templates/spec.hpp\"\n");
    write("runtime/session.hpp", "#include <vector>\n#include \"graph/plan.hpp\"\n");
    write("tools/main.cpp", "#include \"runtime/session.hpp\"\n#include \"jit/assembler.hpp\"\n");
    write("tests/graph/plan_test.cpp", "#include \"graph/plan.hpp\"\n#include \"templates/spec.hpp\"\n");
    write("bench/kernels.cpp", "#include \"runtime/session.hpp\"\n#include \"tests/graph/shapes.hpp\"\n");
  }
  void TearDown() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  std::vector<std::string> broken() const { return broken_layer_rules(root_); }

  fs::path root_;
};

TEST_F(MadeUpTree, IsFineAsItStands) {
  EXPECT_EQ(count_layer_files(root_), 9u);
  EXPECT_THAT(broken(), IsEmpty());
}

TEST_F(MadeUpTree, EveryPairOfLayersIsChecked) {
  const std::vector<std::string> layers = {"jit", "templates", "graph", "runtime", "tools", "tests", "bench"};
  for (std::size_t low = 0; low < layers.size(); ++low) {
    for (std::size_t high = low + 1; high < layers.size(); ++high) {
      write(layers[low] + "/wrong.hpp", "\n#include \"" + layers[high] + "/some.hpp\"\n");
      EXPECT_THAT(broken(), ElementsAre(AllOf(HasSubstr(layers[low] + "/wrong.hpp:2: "),
                                              HasSubstr(layers[high] + "/some.hpp"))));
    }
    fs::remove(root_ / layers[low] / "wrong.hpp");
  }
}

TEST_F(MadeUpTree, EverySpellingIsSeen) {
  for (const char* include :
       {"#include \"runtime/session.hpp\"", "#include <runtime/session.hpp>",
        "  #  include   \"runtime/session.hpp\"", "#include \"../runtime/session.hpp\"",
        "#include \"jit/../runtime/session.hpp\"", "\t#include\"runtime/session.hpp\"  // for once",
        "#include \"runtime/session.hpp\"\r"}) {
    write("graph/wrong.cpp", std::string(include) + "\nint x;");
    EXPECT_THAT(broken(), ElementsAre(HasSubstr("graph/wrong.cpp:1: "))) << include;
  }
}

TEST_F(MadeUpTree, FilesOfEveryKindAndDepthAreSeen) {
  for (const char* path : {"jit/isa/deep/a.cpp", "jit/a.h", "jit/a.inc", "jit/a.cc"}) {
    write(path, "#include \"graph/plan.hpp\"");
    EXPECT_THAT(broken(), ElementsAre(HasSubstr(path)));
    fs::remove(root_ / path);
  }
}

TEST_F(MadeUpTree, IncludesThatAreNotWrittenOutAreRefused) {
  write("graph/wrong.cpp", "#include SOME_HEADER\n");
  EXPECT_THAT(broken(), ElementsAre(HasSubstr("graph/wrong.cpp:1: ")));
}

TEST_F(MadeUpTree, CommentsAreNotIncludes) {
  write("graph/fine.cpp",
        "// #include \"runtime/session.hpp\"\n// xbyak is not for us\n#define include_it\n");
  EXPECT_THAT(broken(), IsEmpty());
}

TEST_F(MadeUpTree, GraphAndRuntimeMustNotSeeTheAssembler) {
  for (const std::string layer : {"graph", "runtime"}) {
    for (const char* include : {"<xbyak/xbyak.h>", "\"xbyak.h\"", "<Xbyak/xbyak_util.h>"}) {
      write(layer + "/wrong.cpp", std::string("#include ") + include + "\n");
      EXPECT_THAT(broken(), ElementsAre(AllOf(HasSubstr(layer + "/wrong.cpp"), HasSubstr("assembler"))));
    }
    fs::remove(root_ / layer / "wrong.cpp");
  }
}

TEST_F(MadeUpTree, NotEvenThroughOtherHeaders) {
  write("templates/emitter.hpp", "#include \"templates/spec.hpp\"\n#include \"deep/registers.hpp\"\n");
  write("templates/deep/registers.hpp",
        "#include \"../emitter.hpp\"\n#include \"jit/assembler.hpp\"\n");  // a circle
  EXPECT_THAT(broken(), IsEmpty());
  write("graph/wrong.hpp", "#include \"templates/emitter.hpp\"\n");
  EXPECT_THAT(broken(),
              ElementsAre(HasSubstr("graph/wrong.hpp -> templates/emitter.hpp -> "
                                    "templates/deep/registers.hpp -> jit/assembler.hpp -> xbyak/xbyak.h")));
  write("runtime/wrong.hpp", "#include \"graph/wrong.hpp\"\n");
  EXPECT_THAT(broken(), ElementsAre(HasSubstr("graph/wrong.hpp: "), HasSubstr("runtime/wrong.hpp: ")));
}

TEST_F(MadeUpTree, WhatIsBuiltWithoutTheEmitterMustNotSeeTheAssembler) {
  for (const char* path : {"jit/bundle.cpp", "templates/gemm/gemm_spec.cpp", "templates/gemm/gemm_spec.hpp",
                           "templates/formats/packing.cpp", "templates/head_layout.hpp"}) {
    write(path, "#include \"jit/assembler.hpp\"\n");
    EXPECT_THAT(broken(), ElementsAre(AllOf(HasSubstr(path), HasSubstr("assembler"))));
    fs::remove(root_ / path);
  }
  write("jit/isa/avx2.cpp", "#include \"jit/assembler.hpp\"\n");
  write("templates/gemm/gemm_emitter.cpp", "#include \"jit/assembler.hpp\"\n");
  EXPECT_THAT(broken(), IsEmpty());
}

TEST_F(MadeUpTree, EmittersMustNotAskForTheHost) {
  for (const char* text : {"if (jit::host_target().has(avx2))", "__get_cpuid(1)", "Xbyak::util::Cpu cpu;"}) {
    write("templates/gemm/gemm_emitter.cpp", text);
    EXPECT_THAT(broken(), ElementsAre(AllOf(HasSubstr("gemm_emitter.cpp"), HasSubstr("asks for the host"))));
  }
}

TEST_F(MadeUpTree, JitMustNotMentionModelLibraries) {
  for (const char* text :
       {"#include <nlohmann/json.hpp>\n", "// see PCRE2\n", "int sentencepiece_count;\n"}) {
    write("jit/wrong.hpp", text);
    EXPECT_THAT(broken(), ElementsAre(HasSubstr("jit/wrong.hpp: jit mentions "))) << text;
  }
  fs::remove(root_ / "jit/wrong.hpp");
  write("jit/CMakeLists.txt", "target_link_libraries(burin_jit PkgConfig::pcre2)\n");
  EXPECT_THAT(broken(), ElementsAre(HasSubstr("jit/CMakeLists.txt: jit mentions pcre")));
}

}  // namespace
}  // namespace burin::tests
