// One loader per source of a tokenizer. All throw burin::Error naming file, field and value.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "runtime/tokenizer/tokenizer.hpp"

namespace burin::runtime {

// What tokenizer_config.json, config.json and generation_config.json of a folder say about special tokens.
struct FolderSettings {
  std::optional<bool> add_bos;
  std::optional<bool> add_eos;
  std::optional<std::int64_t> bos_id;
  std::set<std::int64_t> eos_ids;
  std::string bos_text;
  std::string eos_text;
};
FolderSettings read_folder_settings(const std::filesystem::path& folder, const nlohmann::json& config);

std::unique_ptr<Tokenizer> load_gguf_tokenizer(const GgufFile& gguf);
std::unique_ptr<Tokenizer> load_tokenizer_json(const std::filesystem::path& path, const FolderSettings& settings);
// vocab.json and merges.txt, GPT-2's own files; split as the pattern says.
std::unique_ptr<Tokenizer> load_vocab_and_merges(const std::filesystem::path& folder, const FolderSettings& settings,
                                                 const std::vector<std::string>& patterns);
// llama2.c's tokenizer.bin or tok<vocabulary>.bin.
std::unique_ptr<Tokenizer> load_llama2c_tokenizer(const std::filesystem::path& folder, std::int64_t vocabulary);

}  // namespace burin::runtime
