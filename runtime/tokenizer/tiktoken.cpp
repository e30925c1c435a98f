// tiktoken's rank files, which Llama 3 is published with as tokenizer.model.
#include <openssl/evp.h>

#include <charconv>
#include <fstream>

#include "jit/error.hpp"
#include "runtime/files/mapped_file.hpp"
#include "runtime/tokenizer/byte_level_bpe_tokenizer.hpp"
#include "runtime/tokenizer/composed.hpp"
#include "runtime/tokenizer/loaders.hpp"

namespace burin::runtime {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestFile = 256u << 20;
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Empty where the text is no base64.
std::string from_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return "";
  std::string bytes(text.size() / 4 * 3, '\0');
  if (EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size())) < 0)
    return "";
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  bytes.resize(bytes.size() - padding);  // decoded as zeros
  return bytes;
}

// One line: "IQ== 0". Ids are the line numbers: ranks without gaps.
std::string token_of_line(const std::string& path, std::string_view line, std::size_t id) {
  const std::size_t space = line.find(' ');
  std::string bytes = from_base64(line.substr(0, space));
  if (space == std::string_view::npos || bytes.empty())
    fail("{}: line {} is '{}': base64 and a rank are expected", path, id + 1, printable(line));
  const std::string_view digits = line.substr(space + 1);
  std::size_t rank = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), rank);
  if (error != std::errc() || end != digits.data() + digits.size() || rank != id)
    fail("{}: line {} has rank '{}': {} is expected", path, id + 1, printable(digits), id);
  return bytes;
}

TokenId id_of(const Vocabulary& vocabulary, const std::string& text) {
  const TokenMap ids = vocabulary.index();
  const auto at = ids.find(text);
  return text.empty() || at == ids.end() ? -1 : at->second;
}

// Qwen 1's special tokens stand in the class that reads the file, behind its ranks.
void add_qwen_tokens(Vocabulary& vocabulary) {
  constexpr int kExtra = 205;
  std::vector<std::string> names = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
  for (int i = 0; i < kExtra; ++i) names.push_back(fmt::format("<|extra_{}|>", i));
  for (const std::string& name : names) vocabulary.add(name, name, TokenKind::special);
}

// GLM-4's texts begin with two tokens, which the class that reads the file puts there.
void begin_as_chatglm(Vocabulary& vocabulary) {
  vocabulary.beginning = {id_of(vocabulary, "[gMASK]"), id_of(vocabulary, "<sop>")};
  if (vocabulary.beginning[0] < 0 || vocabulary.beginning[1] < 0)
    fail("{}: tokenizer_class is ChatGLM4Tokenizer: tokenizer_config.json must add [gMASK] and <sop>",
         vocabulary.path);
  vocabulary.bos = vocabulary.beginning[0];
  vocabulary.add_bos = true;
}

}  // namespace

bool is_tiktoken(const fs::path& path) {
  std::ifstream file(path);
  std::string base64;
  std::string rank;
  return file >> base64 >> rank && rank == "0" && base64.size() <= 64 &&
         base64.find_first_not_of(std::string(kBase64) + "=") == std::string::npos;
}

std::unique_ptr<Tokenizer> load_tiktoken(const fs::path& path, const FolderSettings& settings) {
  const std::string text = read_text_file(path, kLargestFile);
  Vocabulary vocabulary;
  vocabulary.path = path.string();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, end - at);
    at = end + 1;
    if (line.empty()) continue;
    std::string bytes = token_of_line(vocabulary.path, line, vocabulary.size());
    std::string spelling = bytes_to_text(bytes);
    vocabulary.add(std::move(spelling), std::move(bytes), TokenKind::normal);
  }
  const bool qwen = path.extension() == ".tiktoken";
  if (qwen) add_qwen_tokens(vocabulary);
  vocabulary.add_beyond(settings.added);
  vocabulary.bos = id_of(vocabulary, settings.bos_text);
  vocabulary.eos = id_of(vocabulary, qwen && settings.eos_text.empty() ? "<|endoftext|>" : settings.eos_text);
  vocabulary.find_ends(settings.eos_ids);
  vocabulary.add_bos = settings.add_bos.value_or(!qwen);
  vocabulary.add_eos = settings.add_eos.value_or(false);
  if (settings.tokenizer_class.starts_with("ChatGLM4")) begin_as_chatglm(vocabulary);
  SpecialTokens special = SpecialTokens::of(vocabulary);
  ByteLevelBpeTokenizer::Options options;
  if (qwen) options.normalizer.emplace_back(composed);
  PreTokenizer pre_tokenizer(patterns_by_name(qwen ? "qwen2" : "llama-bpe"), path.string());
  return std::make_unique<ByteLevelBpeTokenizer>(
      std::move(vocabulary), std::move(special), std::move(pre_tokenizer),
      std::vector<std::pair<std::string_view, std::string_view>>(), std::move(options));
}

}  // namespace burin::runtime
