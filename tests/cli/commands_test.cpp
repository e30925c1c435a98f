// Every command on the demo model: what it prints, and the fields of its JSON that scripts rely on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>

#include "tests/support/reference_data.hpp"
#include "tests/support/run_command.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::tests {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const std::string kDemo = BURIN_SOURCE_DIR "/demo/shakespeare-q8_0.gguf";

json reference() { return read_json(BURIN_SOURCE_DIR "/demo/reference.json"); }

std::string prompt_ids() {
  const json tokens = reference()["tokens"];
  std::string ids;
  for (const json& id : tokens) ids += (ids.empty() ? "" : ",") + id.dump();
  return ids;
}

json run_json(std::vector<std::string> arguments) {
  arguments.emplace_back("--json");
  const CommandResult result = run_burin(std::move(arguments));
  EXPECT_EQ(result.status, 0) << result.errors;
  EXPECT_EQ(std::count(result.output.begin(), result.output.end(), '\n'), 1);
  return result.status == 0 ? result.json() : json::object();
}

void expect_fields(const json& object, std::initializer_list<const char*> fields) {
  for (const char* field : fields) EXPECT_TRUE(object.contains(field)) << field << " in " << object.dump();
}

TEST(Commands, RunStreamsTheText) {
  const auto text = reference()["greedy_text"].get<std::string>();
  const auto prompt = reference()["prompt"].get<std::string>();
  const CommandResult result = run_burin({"run", kDemo, "-p", prompt, "-n", "96", "--temp", "0"});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.output.substr(0, text.size()), text);
  EXPECT_EQ(result.errors, "");
}

TEST(Commands, RunJson) {
  const auto expected = reference();
  const json result = run_json({"run", kDemo, "-p", expected["prompt"], "-n", "96", "--temp", "0"});
  EXPECT_EQ(result["tokens"], expected["greedy"]);
  EXPECT_EQ(result["prompt_tokens"], expected["tokens"].size());
  EXPECT_EQ(result["stop_reason"], "length");
  expect_fields(result, {"text", "target", "peak_rss_mib"});
  expect_fields(result["timings"], {"load_s", "prefill_s", "prefill_tok_s", "decode_s", "decode_tok_s"});
  expect_fields(result["kernels"], {"emitted", "from_disk", "from_bundle", "emit_ms"});
  EXPECT_GT(result["kernels"]["emitted"].get<int>(), 5);
}

TEST(Commands, RunTakesThePromptFromAnywhere) {
  const std::string prompt = "ROMEO:\nWhat light";
  const json expected = run_json({"run", kDemo, "-p", prompt, "-n", "8", "--temp", "0"})["tokens"];
  EXPECT_EQ(run_json({"run", kDemo, "--tokens", prompt_ids(), "-n", "8", "--temp", "0"})["tokens"], expected);
  const CommandResult piped = run_burin({"run", kDemo, "-n", "8", "--temp", "0", "--json"}, prompt);
  EXPECT_EQ(piped.json()["tokens"], expected);
}

TEST(Commands, RunEndsCleanlyOnInterrupt) {
  Command command({"run", kDemo, "-p", "ROMEO:", "-c", "100000", "--log", "info"});
  while (command.output_so_far().size() < 10) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  kill(command.process(), SIGINT);
  const CommandResult result = command.wait();
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.output.back(), '\n');
  EXPECT_THAT(result.errors, HasSubstr("ended by interrupted"));
}

// The text goes on where the context is full, and is the same whatever the chunk.
TEST(Commands, RunGoesOnForEver) {
  const std::vector<std::string> run = {"run", kDemo, "-p", "ROMEO:", "-n", "300", "--temp", "0", "-c", "64"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), run.begin(), run.end());
    return run_json(std::move(more));
  };
  const json whole = with({"--keep", "4", "--discard", "20"});
  EXPECT_EQ(whole["stop_reason"], "length");
  EXPECT_EQ(whole["tokens"].size(), 300u);
  EXPECT_GT(whole["kv_cache_mib"].get<double>(), 0);
  EXPECT_EQ(with({"--keep", "4", "--discard", "20", "--chunk", "1"})["tokens"], whole["tokens"]);
  EXPECT_NE(with({"--keep", "4"})["tokens"], whole["tokens"]);
  EXPECT_EQ(with({"--keep", "4"})["tokens"], with({"--discard", "-1"})["tokens"]);
  EXPECT_EQ(with({})["stop_reason"], "context");
}

TEST(Commands, RunSaysWhatLearnedPositionsCost) {
  BURIN_NEEDS_REFERENCE("arch/gpt2");
  const CommandResult result = run_burin({"run", reference_path("arch/gpt2").string(), "--tokens", "1,2,3",
                                          "-c", "16", "--keep", "2", "-n", "40", "--temp", "0", "--json"});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.json()["stop_reason"], "length");
  EXPECT_THAT(result.errors,
              HasSubstr("whenever 7 tokens are discarded, the 9 that are left are evaluated again"));
}

// Evaluated tokens are those of the run.
TEST(Commands, EvalFollowsTheStreamingRule) {
  const std::vector<std::string> streaming = {"-c", "48", "--keep", "3", "--discard", "17"};
  std::vector<std::string> arguments = {"run", kDemo, "--tokens", prompt_ids(), "-n", "120", "--temp", "0"};
  arguments.insert(arguments.end(), streaming.begin(), streaming.end());
  const json tokens = run_json(arguments)["tokens"];
  std::string ids = prompt_ids();
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) ids += "," + tokens[i].dump();
  arguments = {"eval", kDemo, "--tokens", ids, "--top", "1"};
  arguments.insert(arguments.end(), streaming.begin(), streaming.end());
  EXPECT_EQ(run_json(arguments)["top"][0][0], tokens.back());
}

TEST(Commands, BenchEndless) {
  const json result = run_json({"bench", kDemo, "--endless", "200", "-c", "64", "--keep", "4"});
  ASSERT_EQ(result["parts"].size(), 10u);
  EXPECT_EQ(result["parts"][9]["position"], 264);
  EXPECT_EQ(result["parts"][9]["kv_cache_mib"], result["parts"][0]["kv_cache_mib"]);
  expect_fields(result["parts"][0],
                {"microseconds_per_token", "to_full_context", "perplexity", "resident_mib"});
  expect_fields(result, {"last_to_first"});
}

TEST(Commands, EvalTop) {
  const json expected = reference()["top10"];
  const json result = run_json({"eval", kDemo, "--tokens", prompt_ids(), "--compute", "f32", "--kv", "f32"});
  ASSERT_EQ(result["top"].size(), 10u);
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(result["top"][i][0], expected[i][0]);
    EXPECT_NEAR(result["top"][i][1].get<double>(), expected[i][1].get<double>(), 2e-3);
  }
}

TEST(Commands, EvalAllPositionsAndFullAgree) {
  const std::filesystem::path file = testing::TempDir() + "burin-full.f32";
  const json all =
      run_json({"eval", kDemo, "--tokens", prompt_ids(), "--all-positions", "--top", "3", "--full", file});
  const std::vector<float> rows = read_floats(file);
  const std::size_t positions = reference()["tokens"].size();
  ASSERT_EQ(rows.size(), positions * 512);
  ASSERT_EQ(all["top"].size(), positions);
  for (std::size_t i = 0; i < positions; ++i) {
    ASSERT_EQ(all["top"][i].size(), 3u);
    const auto best = all["top"][i][0];
    EXPECT_FLOAT_EQ(rows[i * 512 + best[0].get<std::size_t>()], best[1].get<float>());
  }
  std::filesystem::remove(file);
}

TEST(Commands, EvalTakesTokensFromAFile) {
  const std::filesystem::path file = testing::TempDir() + "burin-tokens.txt";
  std::ofstream(file) << prompt_ids() << "\n";
  EXPECT_EQ(run_json({"eval", kDemo, "--tokens", "@" + file.string()})["top"],
            run_json({"eval", kDemo, "--tokens", prompt_ids()})["top"]);
  std::filesystem::remove(file);
}

TEST(Commands, EvalPerplexity) {
  const json protocol = reference()["perplexity"];
  BURIN_NEEDS_REFERENCE(protocol["text"].get<std::string>());
  const std::string text =
      read_bytes(reference_path(protocol["text"].get<std::string>())).substr(protocol["from_char"]);
  const std::filesystem::path file = testing::TempDir() + "burin-perplexity.txt";
  std::ofstream(file, std::ios::binary) << text;
  const json result =
      run_json({"eval", kDemo, "--perplexity", file, "-c", std::to_string(protocol["window"].get<int>())});
  EXPECT_EQ(result["tokens"], protocol["counted"]);
  EXPECT_NEAR(result["perplexity"].get<double>(), protocol["value"].get<double>(),
              protocol["value"].get<double>() * 5e-4);
  expect_fields(result, {"top1_accuracy"});
  std::filesystem::remove(file);
}

TEST(Commands, TokenizeBothWays) {
  const json ids = run_json({"tokenize", kDemo, "-p", reference()["prompt"]})["ids"];
  EXPECT_EQ(ids, reference()["tokens"]);
  EXPECT_EQ(run_json({"tokenize", kDemo, "--ids", prompt_ids()})["text"], reference()["prompt"]);
  EXPECT_EQ(run_burin({"tokenize", kDemo, "--ids", prompt_ids()}).output,
            reference()["prompt"].get<std::string>() + "\n");
}

TEST(Commands, Inspect) {
  const json result = run_json({"inspect", kDemo});
  EXPECT_EQ(result["architecture"], "llama");
  EXPECT_NEAR(result["parameters"].get<double>(), 1.67e6, 0.1e6);
  expect_fields(result["tensors"][0], {"name", "type", "shape"});
}

TEST(Commands, Info) {
  expect_fields(run_json({"info"}),
                {"target", "features", "cores", "l1d", "l2", "l3", "read_gb_s", "dot_peak_gmac_s"});
}

TEST(Commands, PlanForACpuThatNeedNotBeThisOne) {
  for (const std::string target : {"haswell", "icelake-server", "graniterapids"}) {
    const json result = run_json({"plan", kDemo, "--target", target, "--compute", "int8"});
    expect_fields(result, {"layers", "steps", "barriers_per_layer", "arena_bytes"});
    expect_fields(result["steps"][0], {"kind", "kernel", "reads", "writes", "bytes"});
    EXPECT_EQ(result["layers"], 4);
  }
  EXPECT_THAT(run_burin({"plan", kDemo}).output, HasSubstr("attention"));
}

TEST(Commands, KernelOfAPlanCanBeSeen) {
  const json plan = run_json({"plan", kDemo, "--target", "haswell"});
  const auto name = plan["steps"][1]["kernel"].get<std::string>();
  const json kernel = run_json({"kernel", name, "--target", "haswell"});
  EXPECT_EQ(kernel["name"], name);
  EXPECT_GT(kernel["code_bytes"].get<int>(), 100);
  const CommandResult listing = run_burin({"kernel", name, "--target", "haswell", "--disassemble"});
  EXPECT_THAT(listing.output, HasSubstr("vfmadd231ps"));
  EXPECT_THAT(listing.output, HasSubstr("  ; sum[0,"));
  EXPECT_THAT(listing.output, testing::Not(HasSubstr("zmm")));
}

// For any target on any host: names that `burin kernel` takes, then what is refused, and why.
TEST(Commands, KernelsThereCanBe) {
  const std::vector<std::string> words = {"kernel",   "ls",       "attention",
                                          "gqa/bf16", "--target", "sapphirerapids"};
  const CommandResult list = run_burin(words);
  EXPECT_EQ(list.status, 0);
  EXPECT_THAT(list.errors, HasSubstr("sapphirerapids: 24 kernels, 16 refused"));
  const std::string name = list.output.substr(0, list.output.find('\n'));
  EXPECT_EQ(run_json({"kernel", name, "--target", "sapphirerapids"})["name"], name);

  const CommandResult all =
      run_burin({"kernel", "ls", "attention", "gqa/bf16", "--all", "--target", "haswell"});
  EXPECT_THAT(all.errors, HasSubstr("haswell: 8 kernels, 32 refused"));
  EXPECT_THAT(all.output, HasSubstr("\nrefused attention/gqa/bf16/bf16/plain: "));
  EXPECT_THAT(all.output, HasSubstr("needs avx512bf16, which haswell lacks: use math.f32"));
}

TEST(Commands, KernelsThereCanBeAsJson) {
  const CommandResult list = run_burin({"kernel", "ls", "gemm/int4s.g32.f16", "tiles/store", "--json"});
  std::istringstream lines(list.output);
  std::map<std::string, json> rows;
  for (std::string line; std::getline(lines, line);) {
    const json row = json::parse(line);
    rows[row["row"].get<std::string>()] = row;
    EXPECT_EQ(row["supported"].get<bool>(), !row.contains("reason")) << line;
    EXPECT_THAT(row["name"].get<std::string>(), testing::StartsWith("gemm-k."));
  }
  EXPECT_GE(rows.size(), 4u);
  EXPECT_EQ(rows["gemm/int4s.g32.f16/s8/tiles/store"]["supported"], true);
}

TEST(Commands, KernelsCanBeTimedTogether) {
  const CommandResult times = run_burin({"kernel", "ls", "route/top", "--bench", "--json"});
  std::istringstream lines(times.output);
  std::vector<std::string> names;
  for (std::string line; std::getline(lines, line);) {
    const json row = json::parse(line);
    expect_fields(row,
                  {"row", "name", "target", "seconds", "gb_s", "share_of_limit", "read_gb_s", "scatter"});
    EXPECT_GT(row["share_of_limit"].get<double>(), 0.0);
    names.push_back(row["row"]);
  }
  EXPECT_EQ(names.size(), 8u);

  const std::string text = run_burin({"kernel", "ls", "route/top8", "--bench"}).output;
  EXPECT_THAT(text, HasSubstr("% of memory"));
  EXPECT_THAT(text, HasSubstr(" us  route/top8/normalised\n"));
}

// Every row has a cell: formats in lines, groups in columns, other axes in tables of their own.
TEST(Commands, TimesOfKernelsAreTables) {
  const std::string tables = run_burin({"kernel", "ls", "embed/int4s", "16", "--bench", "--markdown"}).output;
  EXPECT_THAT(tables, testing::StartsWith("# Kernels for "));
  EXPECT_THAT(tables, HasSubstr("`burin kernel ls embed/int4s 16 --bench --target "));
  EXPECT_THAT(tables, HasSubstr("\n## Embedding\n"));
  EXPECT_THAT(tables, HasSubstr("\n| | g16 | g32 | g64 | g128 | g256 | g512 | g1024 | row |\n|---|---:|"));
  EXPECT_THAT(tables, testing::ContainsRegex("\n\\| int4s\\.f16 \\| [0-9]+ \\([0-9.]+\\) \\|"));
  EXPECT_THAT(tables, testing::ContainsRegex("\n\\| scaled \\| [0-9]+ \\([0-9.]+\\) \\|"));
}

// The file is the model that would have run: the same plan, and weights that any reader of GGUF takes.
TEST(Commands, BenchSavesTheSyntheticModel) {
  const TemporaryFolder folder;
  const std::string path = folder / "model.gguf";
  const std::vector<std::string> shape = {"bench", "--synthetic", "smollm-135m:2", "--weights", "int4"};
  std::vector<std::string> save = shape;
  save.insert(save.end(), {"--save", path});
  const json saved = run_json(save);
  EXPECT_EQ(saved["path"], path);
  EXPECT_EQ(saved["bytes"], std::filesystem::file_size(path));
  const json model = run_json({"inspect", path});
  EXPECT_EQ(model["architecture"], "llama");
  for (const json& tensor : model["tensors"]) {
    if (tensor["name"] == "blk.1.ffn_down.weight") {
      EXPECT_EQ(tensor["type"], "Q4_0");
    }
  }
  const std::vector<std::string> quick = {"-p", "8", "-n", "1", "-r", "1"};
  std::vector<std::string> run = shape;
  run.insert(run.end(), quick.begin(), quick.end());
  std::vector<std::string> run_file = {"bench", path};
  run_file.insert(run_file.end(), quick.begin(), quick.end());
  EXPECT_EQ(run_json(run_file)["weight_bytes"], run_json(run)["weight_bytes"]);
  const json top = run_json({"eval", path, "--tokens", "1,300,2", "--top", "1"})["top"];
  EXPECT_GT(top[0][1].get<double>(), 0);
  EXPECT_LT(top[0][1].get<double>(), 100);
  EXPECT_THAT(run_json({"tokenize", path, "--ids", "300"})["text"].get<std::string>(), HasSubstr("word300"));
}

TEST(Commands, BenchPrintsSharesOfTheLimits) {
  const json result = run_json({"bench", "--synthetic", "llama-1b:1", "--weights", "int4", "--group", "32",
                                "-p", "16", "-n", "2", "-r", "1"});
  expect_fields(result, {"prefill_tok_s", "decode_tok_s", "prefill_share_of_dot_peak",
                         "decode_share_of_read_limit", "read_gb_s", "dot_peak_gmac_s", "breakdown"});
  EXPECT_GT(result["prefill_share_of_dot_peak"].get<double>(), 0);
}

// What the steps must do follows from their shapes, whatever they took.
TEST(Commands, BenchPrintsTheStepsOfEachPhase) {
  const json result = run_json({"bench", "--synthetic", "llama-1b:1", "--weights", "int4", "--group", "32",
                                "-p", "16", "-n", "3", "-r", "1", "--batch", "2"});
  EXPECT_EQ(result["batch"], 2);
  EXPECT_GT(result["batch_speed_of_one_row"].get<double>(), 0);
  for (const auto& [phase, rows] : {std::pair{"prefill", 16}, {"decode", 2 * 3}}) {
    const json& steps = result["steps"][phase];
    double time = 0;
    for (const json& step : steps) {
      time += step["share_of_time"].get<double>();
      EXPECT_GT(step["bytes"].get<double>(), 0) << step;
      EXPECT_NEAR(step["share_of_limit"].get<double>() * step["seconds"].get<double>(),
                  step["limit_seconds"].get<double>(), 1e-12);
    }
    EXPECT_NEAR(time, 1, 1e-9) << phase;
    const auto out = std::find_if(steps.begin(), steps.end(), [](const json& step) {
      return step["step"] == "gemm out 2048x2048 int4s.g32.f16";
    });
    ASSERT_NE(out, steps.end()) << steps;
    EXPECT_EQ((*out)["kind"], "gemm out");
    EXPECT_EQ((*out)["macs"].get<double>(), 2048.0 * 2048 * rows);
    double of_kind = 0;
    for (const json& step : steps)
      if (step["kind"] == "gemm out") of_kind += step["seconds"].get<double>();
    EXPECT_NEAR(result["breakdown"][phase]["gemm out"].get<double>(), of_kind, 1e-12);
  }
}

}  // namespace
}  // namespace burin::tests
