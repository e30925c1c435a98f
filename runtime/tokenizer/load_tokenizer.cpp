// Finds out which tokenizer a model has.
#include <cmath>
#include <cstring>

#include "jit/error.hpp"
#include "runtime/files/json_text.hpp"
#include "runtime/files/mapped_file.hpp"
#include "runtime/tokenizer/loaders.hpp"
#include "runtime/tokenizer/pre_tokenizer.hpp"
#include "runtime/tokenizer/sentencepiece_tokenizer.hpp"
#include "runtime/tokenizer/text_bpe_tokenizer.hpp"

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

std::unique_ptr<Tokenizer> load_folder(const ModelFile& model) {
  const fs::path folder = model.folder();
  const FolderSettings settings = read_folder_settings(folder, model.description().config);
  if (file_exists(folder / "tokenizer.json")) return load_tokenizer_json(folder / "tokenizer.json", settings);
  if (file_exists(folder / "tokenizer.model"))  // LLaMA's own default is to begin with BOS
    return load_sentencepiece(folder / "tokenizer.model", settings.add_bos.value_or(true),
                              settings.add_eos.value_or(false));
  if (file_exists(folder / "vocab.json") && file_exists(folder / "merges.txt"))
    return load_vocab_and_merges(folder, settings, {kGpt2Pattern});
  fail("{}: has no tokenizer: tokenizer.json, tokenizer.model, or vocab.json with merges.txt is needed",
       model.description().path);
}

template <typename Value>
Value read_at(const MappedFile& file, std::size_t& at) {
  if (file.bytes().size() - at < sizeof(Value)) fail("{}: is cut off at byte {}", file.path(), at);
  Value value;
  std::memcpy(&value, file.bytes().data() + at, sizeof(value));
  at += sizeof(value);
  return value;
}

}  // namespace

FolderSettings read_folder_settings(const fs::path& folder, const nlohmann::json& config) {
  FolderSettings settings;
  add_ids(config, "eos_token_id", settings.eos_ids);
  if (const auto at = config.find("bos_token_id"); at != config.end() && at->is_number_integer())
    settings.bos_id = at->get<std::int64_t>();
  const auto read = [](const fs::path& path) { return parse_json_object(path.string(), read_text_file(path, kLargestSettings)); };
  if (const fs::path path = folder / "generation_config.json"; file_exists(path))
    add_ids(read(path), "eos_token_id", settings.eos_ids);
  if (const fs::path path = folder / "tokenizer_config.json"; file_exists(path)) {
    const nlohmann::json json = read(path);
    settings.add_bos = flag(json, "add_bos_token");
    settings.add_eos = flag(json, "add_eos_token");
    settings.bos_text = token_text(json, "bos_token");
    settings.eos_text = token_text(json, "eos_token");
  }
  return settings;
}

// [int32 longest token], then per token [f32 score][int32 length][bytes].
std::unique_ptr<Tokenizer> load_llama2c_tokenizer(const fs::path& folder, std::int64_t size) {
  fs::path path = folder / fmt::format("tok{}.bin", size);
  if (!file_exists(path)) path = folder / "tokenizer.bin";
  if (!file_exists(path))
    fail("{}: has neither tok{}.bin nor tokenizer.bin beside the model", folder.empty() ? "." : folder.string(), size);
  const std::unique_ptr<MappedFile> file = MappedFile::open(path);
  refuse_lfs_pointer(file->path(), file->text());
  Vocabulary vocabulary;
  vocabulary.path = file->path();
  std::vector<float> scores;
  std::size_t at = 0;
  read_at<std::int32_t>(*file, at);
  for (std::int64_t id = 0; id < size; ++id) {
    const float score = read_at<float>(*file, at);
    const auto length = read_at<std::int32_t>(*file, at);
    if (!std::isfinite(score)) fail("{}: token {} has score {}: must be a number", file->path(), id, score);
    if (length < 0 || static_cast<std::size_t>(length) > file->bytes().size() - at)
      fail("{}: token {} has length {}: {} bytes are left", file->path(), id, length, file->bytes().size() - at);
    std::string text(file->text().substr(at, static_cast<std::size_t>(length)));
    at += text.size();
    scores.push_back(score);
    // Spaces are spaces here; merging works on SentencePiece's mark.
    std::string marked;
    for (const char c : text) marked += c == ' ' ? std::string("\xe2\x96\x81") : std::string(1, c);
    const TokenKind kind = id == 0                         ? TokenKind::unused
                           : id < 3                        ? TokenKind::special
                           : byte_of_token(marked) >= 0 ? TokenKind::byte
                                                           : TokenKind::normal;
    std::string bytes = sentencepiece_bytes(marked);
    if (kind == TokenKind::special) {  // stored as "\n<s>\n"
      const std::size_t first = marked.find('<');
      const std::size_t last = marked.rfind('>');
      if (first != std::string::npos && last != std::string::npos && first < last) marked = marked.substr(first, last - first + 1);
    }
    vocabulary.add(std::move(marked), std::move(bytes), kind);
  }
  if (vocabulary.size() < 3) fail("{}: has {} tokens: at least 3 are needed", file->path(), vocabulary.size());
  vocabulary.unknown = 0;
  vocabulary.bos = 1;
  vocabulary.eos = 2;
  vocabulary.add_bos = vocabulary.space_prefix = true;
  vocabulary.find_ends();
  SpecialTokens special = SpecialTokens::of(vocabulary);
  return std::make_unique<TextBpeTokenizer>(std::move(vocabulary), std::move(special), std::move(scores), MergeList(),
                                            TextBpeTokenizer::Prefix::every_part);
}

std::unique_ptr<Tokenizer> Tokenizer::load(const ModelFile& model) {
  if (model.gguf() != nullptr) return load_gguf_tokenizer(*model.gguf());
  if (model.description().origin == graph::Origin::hugging_face) return load_folder(model);
  return load_llama2c_tokenizer(model.folder(), model.description().config["llama.vocab_size"].get<std::int64_t>());
}

}  // namespace burin::runtime
