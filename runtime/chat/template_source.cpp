#include "runtime/chat/template_source.hpp"

#include <map>

#include "jit/error.hpp"
#include "runtime/files/json_text.hpp"
#include "runtime/files/mapped_file.hpp"

namespace burin::runtime {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestSettings = 16u << 20;
constexpr std::size_t kLargestTemplate = 1u << 20;
constexpr std::string_view kGgufKey = "tokenizer.chat_template";
constexpr std::string_view kDefault = "default";

// By name; the model's own choice is "default".
using Templates = std::map<std::string, TemplateSource>;

std::string checked(const std::string& name, std::string_view text) {
  if (!is_utf8(text)) fail("{}: the chat template is not UTF-8", name);
  return std::string(text);
}

TemplateSource read_template_file(const fs::path& path) {
  const std::string text = read_text_file(path, kLargestTemplate);
  if (path.extension() != ".json") return {path.string(), checked(path.string(), text)};
  const nlohmann::json json = parse_json_object(path.string(), text);
  const auto at = json.find("chat_template");
  if (at == json.end() || !at->is_string()) fail("{}: chat_template is missing or no text", path.string());
  return {path.string(), at->get<std::string>()};
}

Templates gguf_templates(const GgufFile& gguf) {
  Templates templates;
  for (const auto& [key, value] : gguf.metadata()) {
    const bool is_default = key == kGgufKey;
    if (!is_default && !key.starts_with(std::string(kGgufKey) + ".")) continue;
    const std::string name = is_default ? std::string(kDefault) : key.substr(kGgufKey.size() + 1);
    const std::string where = fmt::format("{}: {}", gguf.path(), printable(key));
    templates[name] = {where, checked(where, *gguf.text(key))};
  }
  return templates;
}

// "chat_template": "..." or [{"name": "default", "template": "..."}, ...]
void add_configured(const fs::path& path, const nlohmann::json& config, Templates& templates) {
  const auto at = config.find("chat_template");
  if (at == config.end() || at->is_null()) return;
  const std::string where = path.string() + ": chat_template";
  if (at->is_string()) {
    templates.try_emplace(std::string(kDefault), TemplateSource{where, at->get<std::string>()});
    return;
  }
  if (!at->is_array()) fail("{} is {}: a text or a list is expected", where, at->type_name());
  for (const nlohmann::json& entry : *at) {
    const bool is_pair = entry.is_object() && entry.contains("name") && entry["name"].is_string() &&
                         entry.contains("template") && entry["template"].is_string();
    if (!is_pair) fail("{}: an entry of the list has no name or no template", where);
    const auto name = entry["name"].get<std::string>();
    templates.try_emplace(name, TemplateSource{fmt::format("{} '{}'", where, printable(name)),
                                               entry["template"].get<std::string>()});
  }
}

// Files of their own come before what the configuration says, as in transformers.
Templates folder_templates(const fs::path& folder) {
  Templates templates;
  for (const char* name : {"chat_template.jinja", "chat_template.json"})
    if (file_exists(folder / name))
      templates.try_emplace(std::string(kDefault), read_template_file(folder / name));
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder / "additional_chat_templates", none))
    if (entry.path().extension() == ".jinja")
      templates.try_emplace(entry.path().stem().string(), read_template_file(entry.path()));
  const fs::path config = folder / "tokenizer_config.json";
  if (file_exists(config))
    add_configured(config, parse_json_object(config.string(), read_text_file(config, kLargestSettings)),
                   templates);
  return templates;
}

Templates templates_of(const ModelFile& model) {
  if (model.gguf() != nullptr) return gguf_templates(*model.gguf());
  if (model.description().origin == graph::Origin::hugging_face) return folder_templates(model.folder());
  return {};
}

std::string names_of(const Templates& templates) {
  std::string names;
  for (const auto& [name, source] : templates) names += (names.empty() ? "" : ", ") + printable(name);
  return names;
}

}  // namespace

TemplateSource find_chat_template(const ModelFile& model, const std::string& choice) {
  const std::string& path = model.description().path;
  const Templates templates = templates_of(model);
  if (const auto at = templates.find(choice.empty() ? std::string(kDefault) : choice); at != templates.end())
    return at->second;
  if (!choice.empty()) {
    if (file_exists(choice)) return read_template_file(choice);
    fail("--chat-template {}: there is no such file, and {} has {}", printable(choice, 200), path,
         templates.empty() ? "no chat templates" : "these chat templates: " + names_of(templates));
  }
  if (templates.empty())
    fail("{}: has no chat template: give one with --chat-template FILE, or use burin run", path);
  fail("{}: has no default chat template: choose one with --chat-template: {}", path, names_of(templates));
}

nlohmann::ordered_json special_token_texts(const ModelFile& model, const Tokenizer& tokenizer) {
  nlohmann::ordered_json texts = nlohmann::ordered_json::object();
  const fs::path config = model.folder() / "tokenizer_config.json";
  if (model.gguf() == nullptr && file_exists(config)) {
    const nlohmann::json json = parse_json_object(config.string(), read_text_file(config, kLargestSettings));
    for (const char* key : {"bos_token", "eos_token", "unk_token", "pad_token"}) {
      const auto at = json.find(key);
      if (at == json.end()) continue;
      if (at->is_string()) texts[key] = at->get<std::string>();
      if (at->is_object() && at->contains("content") && (*at)["content"].is_string())
        texts[key] = (*at)["content"].get<std::string>();
    }
    return texts;
  }
  if (tokenizer.bos() >= 0) texts["bos_token"] = std::string(tokenizer.token_bytes(tokenizer.bos(), true));
  if (tokenizer.eos() >= 0) texts["eos_token"] = std::string(tokenizer.token_bytes(tokenizer.eos(), true));
  return texts;
}

}  // namespace burin::runtime
