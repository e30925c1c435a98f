// Finds out which tokenizer a model, a folder or a file has.
#include "jit/error.hpp"
#include "runtime/files/json_text.hpp"
#include "runtime/files/mapped_file.hpp"
#include "runtime/tokenizer/loaders.hpp"
#include "runtime/tokenizer/pre_tokenizer.hpp"

namespace burin::runtime {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestConfig = 16u << 20;

// vocab.json does not say how texts are split; the class that reads it does.
std::vector<std::string> patterns_by_class(std::string_view tokenizer_class) {
  return patterns_by_name(tokenizer_class.starts_with("Qwen2") ? "qwen2" : "gpt-2");
}

std::unique_ptr<Tokenizer> load_model_file(const fs::path& path, const FolderSettings& settings) {
  if (is_tiktoken(path)) return load_tiktoken(path, settings);
  return load_sentencepiece(path, settings);
}

std::unique_ptr<Tokenizer> load_folder(const fs::path& folder, const nlohmann::json& config) {
  const FolderSettings settings = read_folder_settings(folder, config);
  if (file_exists(folder / "tokenizer.json")) return load_tokenizer_json(folder / "tokenizer.json", settings);
  if (file_exists(folder / "tokenizer.model")) return load_model_file(folder / "tokenizer.model", settings);
  if (file_exists(folder / "qwen.tiktoken")) return load_tiktoken(folder / "qwen.tiktoken", settings);
  if (file_exists(folder / "vocab.json") && file_exists(folder / "merges.txt"))
    return load_vocab_and_merges(folder, settings, patterns_by_class(settings.tokenizer_class));
  if (file_exists(folder / "vocab.txt"))
    fail("{}: is a WordPiece vocabulary: not supported: BPE and unigram tokenizers are",
         (folder / "vocab.txt").string());
  fail(
      "{}: has no tokenizer: tokenizer.json, tokenizer.model, qwen.tiktoken, or vocab.json with merges.txt "
      "is needed",
      folder.string());
}

nlohmann::json read_config(const fs::path& folder) {
  const fs::path path = folder / "config.json";
  if (!file_exists(path)) return nlohmann::json::object();
  return parse_json_object(path.string(), read_text_file(path, kLargestConfig));
}

}  // namespace

std::unique_ptr<Tokenizer> Tokenizer::load(const ModelFile& model) {
  if (model.gguf() != nullptr) return load_gguf_tokenizer(*model.gguf());
  if (model.description().origin == graph::Origin::hugging_face)
    return load_folder(model.folder(), model.description().config);
  return load_llama2c_tokenizer(model.folder(),
                                model.description().config["llama.vocab_size"].get<std::int64_t>());
}

std::unique_ptr<Tokenizer> Tokenizer::open(const fs::path& path) {
  std::error_code unreadable;
  if (fs::is_directory(path, unreadable)) return load_folder(path, read_config(path));
  const fs::path folder = path.parent_path();
  if (path.extension() == ".json")
    return load_tokenizer_json(path, read_folder_settings(folder, read_config(folder)));
  if (path.extension() == ".tiktoken")
    return load_tiktoken(path, read_folder_settings(folder, read_config(folder)));
  if (path.filename().string().find(".model") != std::string::npos)
    return load_model_file(path, read_folder_settings(folder, read_config(folder)));
  return load(*ModelFile::open(path));
}

}  // namespace burin::runtime
