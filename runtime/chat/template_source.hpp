// Where a model keeps its chat template.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "runtime/files/model_file.hpp"
#include "runtime/tokenizer/tokenizer.hpp"

namespace burin::runtime {

struct TemplateSource {
  std::string name;  // the file it comes from, and where in it, for messages
  std::string text;
};

// Of a GGUF file: tokenizer.chat_template, or tokenizer.chat_template.NAME. Of a Hugging Face folder:
// chat_template.jinja, additional_chat_templates/NAME.jinja, chat_template.json, or tokenizer_config.json's
// chat_template, a text or a list of names and texts. `choice`: empty for the model's default, the name of a variant,
// or a file (.jinja, or .json with the key chat_template). Throws burin::Error where there is none, saying what there
// is.
TemplateSource find_chat_template(const ModelFile& model, const std::string& choice);

// The texts of special tokens as templates know them: bos_token, eos_token and what else tokenizer_config.json names.
nlohmann::ordered_json special_token_texts(const ModelFile& model, const Tokenizer& tokenizer);

}  // namespace burin::runtime
