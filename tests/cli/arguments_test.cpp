// What the command says to arguments that make no sense, and to files that are no models.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/run_command.hpp"

namespace burin::tests {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string kDemo = BURIN_SOURCE_DIR "/demo/shakespeare-q8_0.gguf";

struct WrongArguments {
  std::vector<std::string> arguments;
  std::string names;  // must stand in the message
};

void expect_one_line(const CommandResult& result, const std::string& names) {
  EXPECT_EQ(result.output, "");
  EXPECT_THAT(result.error_line(), StartsWith("burin: "));
  EXPECT_THAT(result.error_line(), Not(HasSubstr("\n")));
  EXPECT_THAT(result.error_line(), HasSubstr(names));
}

TEST(Arguments, WrongOnesEndWithStatusTwoAndNameWhatIsWrong) {
  const WrongArguments cases[] = {
      {{}, "subcommand"},
      {{"frobnicate"}, "frobnicate"},
      {{"run"}, "MODEL"},
      {{"run", kDemo, "--no-such-option"}, "--no-such-option"},
      {{"run", kDemo, "surplus"}, "surplus"},
      {{"run", kDemo, "-n", "-5"}, "-5"},
      {{"run", kDemo, "-n", "99999999999999999999"}, "99999999999999999999"},
      {{"run", kDemo, "-n", "many"}, "many"},
      {{"run", kDemo, "-c", "0"}, "--context"},
      {{"run", kDemo, "-c", "99999999999"}, "99999999999"},
      {{"run", kDemo, "--temp", "-1"}, "--temp"},
      {{"run", kDemo, "--temp", "nan"}, "temperature: nan"},
      {{"run", kDemo, "--top-p", "1.5"}, "--top-p"},
      {{"run", kDemo, "--min-p", "-0.1"}, "--min-p"},
      {{"run", kDemo, "--top-k", "-1"}, "--top-k"},
      {{"run", kDemo, "--repeat-penalty", "0"}, "--repeat-penalty"},
      {{"run", kDemo, "--seed", "-1"}, "--seed"},
      {{"run", kDemo, "--stop", ""}, "stop text"},
      {{"run", kDemo, "--threads", "0"}, "--threads"},
      {{"run", kDemo, "--threads", "-2"}, "-2"},
      {{"run", kDemo, "--threads", "100000"}, "100000"},
      {{"run", kDemo, "-p", "a", "-f", "b"}, "--file"},
      {{"run", kDemo, "-p", "a", "--tokens", "1"}, "--tokens"},
      {{"run", kDemo, "--tokens", ""}, "--tokens"},
      {{"run", kDemo, "--tokens", "1,x"}, "'x'"},
      {{"run", kDemo, "--tokens", "1,-1"}, "'-1'"},
      {{"run", kDemo, "--tokens", "99999999999"}, "99999999999"},
      {{"run", kDemo, "--compute", "int3"}, "int3"},
      {{"run", kDemo, "--kv", "f64"}, "f64"},
      {{"run", kDemo, "--target", "pentium"}, "pentium"},
      {{"run", kDemo, "--target", ""}, "target ''"},
      {{"run", kDemo, "--target", "avx2,x"}, "'x'"},
      {{"run", kDemo, "--weights", "int9"}, "int9"},
      {{"run", kDemo, "--weights", "int4", "--group", "17"}, "17"},
      {{"run", kDemo, "--weights", "int4", "--group", "-32"}, "-32"},
      {{"run", kDemo, "--weights", "int4", "--scheme", "odd"}, "odd"},
      {{"run", kDemo, "--weights", "int4", "--scale", "f8"}, "f8"},
      {{"run", kDemo, "--weights", "int4", "--group", "8"}, "--group 8"},
      {{"run", kDemo, "--weights", "int4", "--group", "rows"}, "rows"},
      {{"run", kDemo, "--weights", "int4", "--group", "64", "--scale", "two-level"}, "--group 64"},
      {{"run", kDemo, "--weights", "nf4", "--group", "24"}, "--group 24"},
      {{"run", kDemo, "--weights", "e4m3", "--scale", "two-level"}, "--scale two-level"},
      {{"run", kDemo, "--weights", "nvfp4", "--group", "32"}, "e2m1.g16.e4m3"},
      {{"run", kDemo, "--weights", "fp4", "--scheme", "sym"}, "--scheme"},
      {{"run", kDemo, "--weights", "mxfp4", "--group", "64"}, "groups of 32"},
      {{"run", kDemo, "--group", "32"}, "--weights"},
      {{"run", kDemo, "--weights", "f16", "--group", "32"}, "--group"},
      {{"run", kDemo, "--log", "loud"}, "loud"},
      {{"run", kDemo, "--keep", "-1"}, "--keep"},
      {{"run", kDemo, "-c", "64", "--keep", "64"}, "--keep 64: the context has 64 tokens"},
      {{"run", kDemo, "-c", "64", "--discard", "61"}, "--discard 61: must be 1 to 60"},
      {{"run", kDemo, "-c", "64", "--discard", "0"}, "--discard 0"},
      {{"run", kDemo, "--discard", "-2"}, "--discard"},
      {{"eval", kDemo, "--perplexity", "x", "--keep", "4"}, "--keep and --discard"},
      {{"bench", kDemo, "--keep", "4"}, "--keep and --discard"},
      {{"bench", kDemo, "--endless", "5"}, "--endless"},
      {{"eval", kDemo}, "--tokens"},
      {{"eval", kDemo, "--tokens", "1", "--perplexity", "x"}, "--perplexity"},
      {{"eval", kDemo, "--tokens", "1", "--chunk", "0"}, "--chunk"},
      {{"eval", kDemo, "--tokens", "1", "--top", "0"}, "--top"},
      {{"tokenize", kDemo}, "--ids"},
      {{"tokenize", kDemo, "-p", "a", "--ids", "1"}, "--ids"},
      {{"bench"}, "--synthetic"},
      {{"bench", kDemo, "--synthetic", "llama-7b"}, "--synthetic"},
      {{"bench", "--synthetic", "llama-8000b"}, "llama-8000b"},
      {{"bench", "--synthetic", "llama-7b:-1"}, "llama-7b:-1"},
      {{"bench", kDemo, "-r", "0"}, "--repeats"},
      {{"bench", kDemo, "--save", "x.gguf"}, "--save x.gguf: is for --synthetic"},
      {{"bench", "--synthetic", "llama-7b:1", "--weights", "int7", "--save", "x.gguf"}, "int7"},
      {{"bench", "--synthetic", "falcon-7b:1", "--weights", "int4", "--scheme", "asym", "--scale",
        "two-level", "--save", "x.gguf"},
       "4544 columns: Q4_K has blocks of 256"},
      {{"cache"}, "ACTION"},
      {{"cache", "burn"}, "burn"},
      {{"cache", "ls", "--cache", "off"}, "--cache off"},
      {{"kernel", "sausage"}, "sausage"},
      {{"kernel", "gemm-k.zero"}, "gemm-k.zero"},
      {{"kernel", "ls", "gemm", "int9"}, "no row of the manifest has 'gemm' and 'int9'"},
      {{"kernel", "ls", "gemm", "--disassemble"}, "kernel ls"},
      {{"kernel", "ls", "gemm", "--bench", "--rows", "2"}, "--rows"},
      {{"kernel", "ls", "gemm", "--bench", "--all"}, "--all is for names"},
      {{"kernel", "ls", "gemm", "--markdown"}, "--markdown is for --bench"},
      {{"kernel", "ls", "gemm", "--bench", "--markdown", "--json"}, "leave out one"},
      {{"kernel", "rowwise-op.add", "--markdown"}, "--markdown is for kernel ls"},
      {{"kernel", "rowwise-op.add", "--all"}, "--all is for kernel ls"},
      {{"plan", kDemo, "--target", "8086"}, "8086"},
  };
  for (const WrongArguments& wrong : cases) {
    std::string line = "burin";
    for (const std::string& argument : wrong.arguments) line += " '" + argument + "'";
    SCOPED_TRACE(line);
    const CommandResult result = run_burin(wrong.arguments);
    EXPECT_EQ(result.status, 2);
    expect_one_line(result, wrong.names);
  }
}

TEST(Arguments, WhatFailsEndsWithStatusOne) {
  const WrongArguments cases[] = {
      {{"run", "/no/such/model"}, "/no/such/model"},
      {{"run", kDemo, "--compute", "f16", "--target", "avx2"}, "avx512fp16"},
      {{"run", ""}, "''"},
      {{"run", "/"}, "config.json"},
      {{"run", "/dev/null"}, "/dev/null"},
      {{"run", BURIN_SOURCE_DIR "/README.md"}, "README.md"},
      {{"run", kDemo, "--tokens", "512"}, "512"},
      {{"run", kDemo, "-c", "2", "-p", "To be, or not to be"}, "-c"},
      {{"run", kDemo, "-f", "/no/such/prompt"}, "/no/such/prompt"},
      {{"run", kDemo, "-f", BURIN_SOURCE_DIR}, BURIN_SOURCE_DIR ": is a folder, not a file"},
      {{"eval", kDemo, "--perplexity", BURIN_SOURCE_DIR}, BURIN_SOURCE_DIR ": is a folder, not a file"},
      {{"eval", kDemo, "--tokens", "@/no/such/tokens"}, "/no/such/tokens"},
      {{"eval", kDemo, "--tokens", "1", "--full", "/no/such/folder/x"}, "/no/such/folder/x"},
      {{"eval", kDemo, "--perplexity", "/no/such/text"}, "/no/such/text"},
      {{"eval", kDemo, "--perplexity", "/dev/null"}, "at least 2"},
      {{"tokenize", kDemo, "--ids", "512"}, "512"},
      {{"inspect", "/no/such/model"}, "/no/such/model"},
      {{"run", kDemo, "--compute", "int8", "--weights", "f16"}, "--compute int8"},
      {{"run", kDemo, "--compute", "int8", "--weights", "nf4"}, "nf4.g64.f32"},
      {{"run", kDemo, "--compute", "int8-row", "--weights", "nf4"}, "--compute int8-row"},
  };
  for (const WrongArguments& wrong : cases) {
    SCOPED_TRACE(wrong.arguments[0] + " " + wrong.names);
    const CommandResult result = run_burin(wrong.arguments);
    EXPECT_EQ(result.status, 1);
    expect_one_line(result, wrong.names);
  }
}

TEST(Arguments, HelpHasAnExample) {
  for (const std::string command :
       {"run", "eval", "tokenize", "inspect", "info", "plan", "bench", "kernel", "cache", "pregen"}) {
    const CommandResult result = run_burin({command, "--help"});
    EXPECT_EQ(result.status, 0) << command;
    EXPECT_EQ(result.errors, "") << command;
    EXPECT_THAT(result.output, HasSubstr("Example: burin " + command)) << command;
  }
  const CommandResult all = run_burin({"--help"});
  EXPECT_EQ(all.status, 0);
  EXPECT_THAT(all.output, HasSubstr("tokenize"));
  EXPECT_EQ(run_burin({"--version"}).status, 0);
}

}  // namespace
}  // namespace burin::tests
