// burin tokenize: text to ids, ids to text.
#include <cstdio>

#include "runtime/tokenizer/tokenizer.hpp"
#include "tools/command.hpp"
#include "tools/common_options.hpp"

namespace burin::tools {
namespace {

struct TokenizeOptions {
  CommonOptions common;
  std::string text;
  std::string file;
  std::string ids;
  bool special = false;
  bool no_bos = false;
};

void run(const TokenizeOptions& options, bool has_text, bool has_ids) {
  const bool has_file = !options.file.empty();
  if (has_text + has_ids + has_file != 1) wrong_usage("tokenize: give one of -p, -f and --ids");
  const std::unique_ptr<runtime::Tokenizer> tokenizer = runtime::Tokenizer::open(options.common.model);
  if (has_ids) {
    const std::string text = tokenizer->decode(parse_tokens(options.ids), options.special);
    if (options.common.json)
      print_json({{"text", text}});
    else
      fmt::print("{}\n", text);
    return;
  }
  const std::string text = has_file ? read_file(options.file) : options.text;
  const std::vector<runtime::TokenId> ids = tokenizer->encode(text, {!options.no_bos, true});
  if (options.common.json)
    print_json({{"ids", ids}});
  else
    fmt::print("{}\n", fmt::join(ids, ","));
}

}  // namespace

void add_tokenize_command(CLI::App& app) {
  const auto options = std::make_shared<TokenizeOptions>();
  CLI::App* command =
      app.add_subcommand("tokenize", "Text to token ids (with BOS where the model asks for it), ids to text");
  command->footer("Example: burin tokenize demo/shakespeare-q8_0.gguf -p \"To be, or not to be\"");
  add_model_option(*command, options->common);
  CLI::Option* text = command->add_option("-p,--prompt", options->text, "Text to encode");
  command->add_option("-f,--file", options->file, "File to encode");
  CLI::Option* ids = command->add_option("--ids", options->ids, "Token ids to decode: 1,2,3 or @FILE");
  command->add_flag("--special", options->special, "Write special tokens out when decoding");
  command->add_flag("--no-bos", options->no_bos, "Do not add BOS or EOS");
  add_json_option(*command, options->common);
  command->callback([=] { run(*options, text->count() > 0, ids->count() > 0); });
}

}  // namespace burin::tools
