#include "tests/fuzz/shared_seeds.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <functional>

#include "jit/error.hpp"
#include "runtime/files/gguf_file.hpp"
#include "tests/fuzz/files_in_one.hpp"
#include "tests/support/byte_text.hpp"
#include "tests/support/reference_data.hpp"

namespace burin::tests {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kLargestSeed = 64 << 10;
constexpr std::int64_t kTokens = 400;  // of a vocabulary

// All files of the reference data that are wanted, in the order of their paths, so that seeds are the same every time.
std::vector<fs::path> shared_files(const std::function<bool(const fs::path&)>& wanted) {
  std::vector<fs::path> files;
  std::error_code none;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(reference_path(""), none))
    if (entry.is_regular_file() && wanted(entry.path())) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}
std::vector<fs::path> shared_files_named(const std::string& name) {
  return shared_files([&](const fs::path& path) { return path.filename() == name; });
}
std::vector<fs::path> shared_files_ending(const std::string& extension) {
  return shared_files([&](const fs::path& path) { return path.extension() == extension; });
}

// What `make` makes of each file: once, as many models have the same tokenizer, and where it is neither empty nor large.
Seeds seeds_of(const std::vector<fs::path>& files, const std::function<std::string(const fs::path&)>& make) {
  Seeds seeds;
  for (const fs::path& file : files)
    if (std::string seed = make(file); !seed.empty() && seed.size() <= kLargestSeed &&
                                       std::find(seeds.begin(), seeds.end(), seed) == seeds.end())
      seeds.push_back(std::move(seed));
  return seeds;
}

std::string content(const fs::path& path) { return fs::exists(path) ? read_bytes(path) : ""; }

// Up to the first tensor's data; files that are no GGUF are kept whole.
std::string gguf_header(const std::string& bytes) {
  try {
    const runtime::GgufFile file("shared", as_bytes(bytes));
    std::size_t end = bytes.size();
    for (const runtime::GgufTensor& tensor : file.tensors()) end = std::min<std::size_t>(end, tensor.offset);
    return bytes.substr(0, end);
  } catch (const Error&) {
    return bytes;
  }
}

json safetensors_header(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::uint64_t length = 0;
  file.read(reinterpret_cast<char*>(&length), sizeof(length));
  std::string text(static_cast<std::size_t>(length), ' ');
  file.read(text.data(), static_cast<std::streamsize>(length));
  return json::parse(text);
}

// Of all shards as one, each with its data behind the one before.
std::string whole_header(const fs::path& folder) {
  json whole = json::object();
  std::uint64_t begin = 0;
  std::error_code none;
  std::vector<fs::path> shards;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, none))
    if (entry.path().extension() == ".safetensors") shards.push_back(entry.path());
  std::sort(shards.begin(), shards.end());
  for (const fs::path& shard : shards) {
    std::uint64_t end = begin;
    const json header = safetensors_header(shard);
    for (const auto& [name, entry] : header.items()) {
      whole[name] = entry;
      if (name == "__metadata__") continue;
      for (json& offset : whole[name]["data_offsets"]) offset = begin + offset.get<std::uint64_t>();
      end = std::max(end, whole[name]["data_offsets"][1].get<std::uint64_t>());
    }
    begin = end;
  }
  return whole.dump();
}

// Tokens with larger ids go, and merges that make them.
json first_tokens(const json& vocabulary) {
  json kept = json::object();
  for (const auto& [text, id] : vocabulary.items())
    if (id.get<std::int64_t>() < kTokens) kept[text] = id;
  return kept;
}

std::string with_first_tokens(const fs::path& path) {
  json tokenizer = read_json(path);
  json& model = tokenizer["model"];
  if (!model.contains("vocab") || !model["vocab"].is_object()) return "";
  model["vocab"] = first_tokens(model["vocab"]);
  json merges = json::array();
  for (const json& merge : model["merges"]) {
    const std::string text = merge.is_string()
                                 ? merge.get<std::string>()
                                 : merge[0].get<std::string>() + " " + merge[1].get<std::string>();
    const std::size_t space = text.find(' ');
    if (model["vocab"].contains(text.substr(0, space) + text.substr(space + 1))) merges.push_back(merge);
  }
  model["merges"] = std::move(merges);
  return tokenizer.dump();
}

std::string first_lines(const std::string& text, std::int64_t lines) {
  std::size_t end = 0;
  for (std::int64_t line = 0; line < lines && end < text.size(); ++line)
    end = std::min(text.find('\n', end), text.size() - 1) + 1;
  return text.substr(0, end);
}

}  // namespace

Seeds shared_gguf_headers() {
  return seeds_of(shared_files_ending(".gguf"),
                  [](const fs::path& path) { return gguf_header(read_bytes(path)); });
}

Seeds shared_safetensors() { return seeds_of(shared_files_ending(".safetensors"), read_bytes); }

Seeds shared_folders() {
  return seeds_of(shared_files_named("config.json"), [](const fs::path& path) {
    const fs::path folder = path.parent_path();
    return files_in_one({read_bytes(path), content(folder / "generation_config.json"),
                         content(folder / "tokenizer_config.json"), whole_header(folder)});
  });
}

Seeds shared_tokenizer_json() {
  const auto wanted = [](const fs::path& path) {
    return path.filename().string().ends_with("tokenizer.json");
  };
  return seeds_of(shared_files(wanted), with_first_tokens);
}

Seeds shared_sentencepiece() { return seeds_of(shared_files_named("tokenizer.model"), read_bytes); }

Seeds shared_tiktoken() {
  return seeds_of(shared_files_named("tokenizer.model"), [](const fs::path& path) {
    const std::string text = first_lines(read_bytes(path), kTokens);
    return text.starts_with("IQ== 0\n") ? text : "";
  });
}

Seeds shared_vocab_and_merges() {
  constexpr int kBytes = 256;
  return seeds_of(shared_files_named("vocab.json"), [](const fs::path& path) {
    const std::string merges = content(path.parent_path() / "merges.txt");
    return files_in_one({first_tokens(read_json(path)).dump(), first_lines(merges, kTokens - kBytes)});
  });
}

Seeds shared_llama2c_tokenizers() { return seeds_of(shared_files_named("tok512.bin"), read_bytes); }

Seeds shared_chat_templates() { return seeds_of(shared_files_ending(".jinja"), read_bytes); }

}  // namespace burin::tests
