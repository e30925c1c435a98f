// A model's chat template: conversations become the text, and the tokens, that the model was trained on.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/chat/jinja/template.hpp"
#include "runtime/files/model_file.hpp"
#include "runtime/tokenizer/tokenizer.hpp"

namespace burin::runtime {

struct ChatMessage {
  std::string role;  // system, user, assistant, or what else the template knows
  std::string content;
};

// Immutable; thread-safe.
class ChatTemplate {
 public:
  // As find_chat_template() says. Throws burin::Error also for a template that is damaged or not supported.
  ChatTemplate(const ModelFile& model, const Tokenizer& tokenizer, const std::string& choice = "");
  // `special_tokens`: bos_token and the like, an object of texts. `name` begins messages.
  ChatTemplate(std::string name, std::string_view text, nlohmann::ordered_json special_tokens);

  // The text of the conversation, up to where the model's answer begins. Throws burin::Error where the template
  // refuses the conversation, and for texts that are not UTF-8.
  std::string render(const std::vector<ChatMessage>& messages) const;
  // The same with everything a template may be given: messages, tools, documents, add_generation_prompt, ...;
  // special tokens are added where they are not given.
  std::string render_with(nlohmann::ordered_json variables) const;

 private:
  jinja::Template template_;
  nlohmann::ordered_json special_tokens_;
};

// Special tokens in the text become their ids. Where the tokenizer begins texts with BOS and the template does not,
// it is put in front, so that there is exactly one.
std::vector<TokenId> encode_chat(const Tokenizer& tokenizer, const std::string& text);

}  // namespace burin::runtime
