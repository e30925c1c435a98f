#include "runtime/chat/chat_template.hpp"

#include "jit/error.hpp"
#include "runtime/chat/template_source.hpp"
#include "runtime/files/mapped_file.hpp"

namespace burin::runtime {
namespace {

jinja::Template parse(const TemplateSource& source) { return {source.name, source.text}; }

}  // namespace

ChatTemplate::ChatTemplate(const ModelFile& model, const Tokenizer& tokenizer, const std::string& choice)
    : template_(parse(find_chat_template(model, choice))),
      special_tokens_(special_token_texts(model, tokenizer)) {}

ChatTemplate::ChatTemplate(std::string name, std::string_view text, nlohmann::ordered_json special_tokens)
    : template_(std::move(name), text), special_tokens_(std::move(special_tokens)) {}

std::string ChatTemplate::render(const std::vector<ChatMessage>& messages) const {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const ChatMessage& message : messages) {
    if (!is_utf8(message.content)) fail("message of the {}: is not UTF-8", message.role);
    list.push_back({{"role", message.role}, {"content", message.content}});
  }
  return render_with(nlohmann::ordered_json{{"messages", std::move(list)}, {"add_generation_prompt", true}});
}

std::string ChatTemplate::render_with(nlohmann::ordered_json variables) const {
  // transformers defines these whether they are given or not.
  for (const char* name : {"tools", "documents"})
    if (!variables.contains(name)) variables[name] = nullptr;
  for (const auto& [name, text] : special_tokens_.items())
    if (!variables.contains(name)) variables[name] = text;
  return template_.render(variables);
}

std::vector<TokenId> encode_chat(const Tokenizer& tokenizer, const std::string& text) {
  std::vector<TokenId> ids = tokenizer.encode(text, {.add_special = false, .parse_special = true});
  const std::vector<TokenId> beginning = tokenizer.beginning();
  if (!beginning.empty() && (ids.empty() || ids.front() != beginning.front()))
    ids.insert(ids.begin(), beginning.begin(), beginning.end());
  return ids;
}

}  // namespace burin::runtime
