// How many bytes of text per second each tokenizer of the reference data encodes, by one thread. A clock that wanders
// shows in the row of PCRE2 alone.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "bench/bench_support.hpp"
#include "jit/error.hpp"
#include "runtime/files/mapped_file.hpp"
#include "runtime/tokenizer/pre_tokenizer.hpp"
#include "runtime/tokenizer/tokenizer.hpp"

namespace burin::bench {
namespace {

namespace fs = std::filesystem;
using runtime::Tokenizer;

constexpr std::size_t kLargestFile = std::size_t{64} << 20;
constexpr std::size_t kLongestText = std::size_t{1} << 20;

const fs::path& data() {
  static const fs::path folder = BURIN_REFERENCE_DATA;
  return folder;
}

// The text of a row: a file's beginning; of a folder, that of its sources behind one another.
std::string read_text(const fs::path& path) {
  if (!fs::is_directory(path)) return runtime::read_text_file(path, kLargestFile).substr(0, kLongestText);
  std::map<std::string, fs::path> sources;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path))
    if (entry.path().extension() == ".cpp") sources.emplace(entry.path().string(), entry.path());
  std::string text;
  for (const auto& [name, source] : sources)
    if (text.size() < kLongestText) text += runtime::read_text_file(source, kLargestFile);
  return text.substr(0, kLongestText);
}

struct Text {
  const char* name;
  fs::path path;
};
std::vector<Text> texts() {
  return {{"shakespeare", data() / "eval/tinyshakespeare/input.txt"},
          {"wikitext", data() / "eval/wikitext-2/wiki.test.raw"},
          {"code", fs::path(BURIN_SOURCE_DIR) / "runtime"}};
}

void report(benchmark::State& state, std::size_t bytes) {
  state.counters["MB/s"] =
      benchmark::Counter(static_cast<double>(bytes) * 1e-6, benchmark::Counter::kIsIterationInvariantRate);
}

void tokenize_row(benchmark::State& state, const fs::path& path, const Text& source) {
  std::unique_ptr<Tokenizer> tokenizer;
  try {
    tokenizer = Tokenizer::open(path);
  } catch (const Error& refused) {
    return state.SkipWithError(refused.what());
  }
  const std::string text = read_text(source.path);
  std::size_t tokens = 0;
  for ([[maybe_unused]] auto _ : state) tokens = tokenizer->encode(text).size();
  state.counters["bytes/token"] = static_cast<double>(text.size()) / static_cast<double>(tokens);
  report(state, text.size());
}

// The library's own time for GPT-2's words, which no change to Burin moves.
void pcre2_row(benchmark::State& state, const Text& source) {
  const std::string text = read_text(source.path);
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  int error = 0;
  PCRE2_SIZE offset = 0;
  const std::unique_ptr<pcre2_code, decltype(&pcre2_code_free)> code(
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(runtime::kGpt2Pattern), PCRE2_ZERO_TERMINATED,
                    PCRE2_UTF | PCRE2_UCP, &error, &offset, nullptr),
      &pcre2_code_free);
  const std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> match(
      pcre2_match_data_create(1, nullptr), &pcre2_match_data_free);
  for ([[maybe_unused]] auto _ : state)
    for (PCRE2_SIZE at = 0; at < text.size(); at = pcre2_get_ovector_pointer(match.get())[1])
      if (pcre2_match(code.get(), subject, text.size(), at, PCRE2_NO_UTF_CHECK, match.get(), nullptr) < 0)
        break;
  report(state, text.size());
}

// Vocabularies with a model around them, and as published: folders, or single files.
std::vector<fs::path> tokenizer_paths() {
  std::vector<fs::path> paths;
  for (const char* folder : {"vocab-gguf", "tokenizers", "models"})
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(data() / folder)) {
      const std::string name = entry.path().filename().string();
      if (name.ends_with(".gguf") || name.ends_with("tokenizer.json") || name == "vocab.json" ||
          name.find(".model") != std::string::npos)
        paths.push_back(name == "vocab.json" ? entry.path().parent_path() : entry.path());
    }
  std::sort(paths.begin(), paths.end());
  return paths;
}

benchmark::internal::Benchmark* add_text_row(const std::string& name,
                                             const std::function<void(benchmark::State&)>& row) {
  return benchmark::RegisterBenchmark(("tokenizer/" + name).c_str(), row)->Unit(benchmark::kMillisecond);
}

}  // namespace

void add_tokenizer_rows() {
  if (!fs::exists(data() / "eval")) {
    fmt::print(stderr, "burin_bench: no rows of tokenizers: {} has no texts\n", data().string());
    return;
  }
  for (const Text& text : texts())
    add_text_row(fmt::format("pcre2-alone/{}", text.name), [text](auto& state) { pcre2_row(state, text); });
  for (const fs::path& path : tokenizer_paths()) {
    for (const Text& text : texts())
      add_text_row(fmt::format("{}/{}", fs::relative(path, data()).string(), text.name),
                   [path, text](auto& state) { tokenize_row(state, path, text); });
  }
}

}  // namespace burin::bench
