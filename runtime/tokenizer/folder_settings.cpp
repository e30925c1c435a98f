// The small JSON files beside a tokenizer: which special tokens it has and adds by itself.
#include <charconv>

#include "jit/error.hpp"
#include "runtime/files/json_text.hpp"
#include "runtime/files/mapped_file.hpp"
#include "runtime/tokenizer/loaders.hpp"

namespace burin::runtime {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestSettings = 16u << 20;

// "eos_token": "</s>" or {"content": "</s>", ...}
std::string token_text(const nlohmann::json& json, const char* key) {
  const auto at = json.find(key);
  if (at == json.end()) return "";
  if (at->is_string()) return at->get<std::string>();
  if (at->is_object() && at->contains("content") && (*at)["content"].is_string())
    return (*at)["content"].get<std::string>();
  return "";
}

std::optional<bool> flag(const nlohmann::json& json, const char* key) {
  const auto at = json.find(key);
  if (at == json.end() || !at->is_boolean()) return std::nullopt;
  return at->get<bool>();
}

void add_ids(const nlohmann::json& json, const char* key, std::set<std::int64_t>& ids) {
  const auto at = json.find(key);
  if (at == json.end()) return;
  if (at->is_number_integer()) ids.insert(at->get<std::int64_t>());
  if (!at->is_array()) return;
  for (const nlohmann::json& id : *at)
    if (id.is_number_integer()) ids.insert(id.get<std::int64_t>());
}

// "added_tokens_decoder": {"128000": {"content": "<|begin_of_text|>", "special": true, ...}, ...}
void read_added_tokens(const std::string& path, const nlohmann::json& tokens,
                       std::vector<SpecialToken>& added) {
  for (const auto& [key, token] : tokens.items()) {
    std::int64_t id = -1;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc() || end != key.data() + key.size())
      fail("{}: added_tokens_decoder has the id '{}': a number is expected", path, printable(key));
    added.push_back(parse_added_token(path, id, token));
  }
}

}  // namespace

SpecialToken parse_added_token(const std::string& path, std::int64_t id, const nlohmann::json& token) {
  if (id < 0 || id >= kMostTokens)
    fail("{}: an added token's id is {}: must be from 0 to {}", path, id, kMostTokens - 1);
  if (!token.is_object())
    fail("{}: added token {} is {}: an object is expected", path, id, token.type_name());
  const auto content = token.find("content");
  if (content == token.end() || !content->is_string())
    fail("{}: added token {}: content is {}: a text is expected", path, id,
         content == token.end() ? "missing" : content->type_name());
  const auto is_set = [&](const char* key) { return flag(token, key).value_or(false); };
  return {content->get<std::string>(),
          static_cast<TokenId>(id),
          !is_set("special"),
          is_set("lstrip"),
          is_set("rstrip"),
          is_set("single_word"),
          is_set("normalized")};
}

FolderSettings read_folder_settings(const fs::path& folder, const nlohmann::json& config) {
  FolderSettings settings;
  add_ids(config, "eos_token_id", settings.eos_ids);
  if (const auto at = config.find("bos_token_id"); at != config.end() && at->is_number_integer())
    settings.bos_id = at->get<std::int64_t>();
  const auto read = [](const fs::path& path) {
    return parse_json_object(path.string(), read_text_file(path, kLargestSettings));
  };
  if (const fs::path path = folder / "generation_config.json"; file_exists(path))
    add_ids(read(path), "eos_token_id", settings.eos_ids);
  if (const fs::path path = folder / "tokenizer_config.json"; file_exists(path)) {
    const nlohmann::json json = read(path);
    settings.add_bos = flag(json, "add_bos_token");
    settings.add_eos = flag(json, "add_eos_token");
    settings.tokenizer_class = token_text(json, "tokenizer_class");
    if (const auto at = json.find("added_tokens_decoder"); at != json.end() && at->is_object())
      read_added_tokens(path.string(), *at, settings.added);
    settings.bos_text = token_text(json, "bos_token");
    settings.eos_text = token_text(json, "eos_token");
  }
  return settings;
}

}  // namespace burin::runtime
