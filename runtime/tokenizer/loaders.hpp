// One loader per source of a tokenizer. All throw burin::Error naming file, field and value.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "runtime/tokenizer/special_tokens.hpp"
#include "runtime/tokenizer/tokenizer.hpp"

namespace burin::runtime {

inline constexpr std::int64_t kMostTokens = 1 << 26;

// What tokenizer_config.json, config.json and generation_config.json of a folder say about special tokens.
struct FolderSettings {
  std::optional<bool> add_bos;
  std::optional<bool> add_eos;
  std::optional<std::int64_t> bos_id;
  std::set<std::int64_t> eos_ids;
  std::string bos_text;
  std::string eos_text;
  std::string tokenizer_class;
  std::vector<SpecialToken> added;  // beside the vocabulary's own tokens
};
FolderSettings read_folder_settings(const std::filesystem::path& folder, const nlohmann::json& config);
// An entry of "added_tokens" or "added_tokens_decoder"; `path` is for messages.
SpecialToken parse_added_token(const std::string& path, std::int64_t id, const nlohmann::json& token);

std::unique_ptr<Tokenizer> load_gguf_tokenizer(const GgufFile& gguf);
std::unique_ptr<Tokenizer> load_tokenizer_json(const std::filesystem::path& path,
                                               const FolderSettings& settings);
// vocab.json and merges.txt, GPT-2's own files; split as the pattern says.
std::unique_ptr<Tokenizer> load_vocab_and_merges(const std::filesystem::path& folder,
                                                 const FolderSettings& settings,
                                                 const std::vector<std::string>& patterns);
// A SentencePiece model file, by libsentencepiece. Without settings a text begins with BOS, LLaMA's default.
std::unique_ptr<Tokenizer> load_sentencepiece(const std::filesystem::path& path,
                                              const FolderSettings& settings);
// tiktoken's ranks: lines of "base64 rank" (Llama 3's tokenizer.model). Split as Llama 3 does.
bool is_tiktoken(const std::filesystem::path& path);
std::unique_ptr<Tokenizer> load_tiktoken(const std::filesystem::path& path, const FolderSettings& settings);
// llama2.c's tokenizer.bin or tok<vocabulary>.bin.
std::unique_ptr<Tokenizer> load_llama2c_tokenizer(const std::filesystem::path& folder,
                                                  std::int64_t vocabulary);

}  // namespace burin::runtime
