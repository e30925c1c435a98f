// Tokenizers from GGUF metadata (tokenizer.ggml.*).
#include <algorithm>
#include <cmath>
#include <optional>

#include "jit/error.hpp"
#include "runtime/tokenizer/byte_level_bpe_tokenizer.hpp"
#include "runtime/tokenizer/loaders.hpp"
#include "runtime/tokenizer/text_bpe_tokenizer.hpp"

namespace burin::runtime {
namespace {

// As GGUF numbers them.
TokenKind kind_from(std::int64_t type) {
  switch (type) {
    case 2: return TokenKind::unused;  // unknown
    case 3: return TokenKind::special;
    case 4: return TokenKind::user_defined;
    case 5: return TokenKind::unused;
    case 6: return TokenKind::byte;
    default: return TokenKind::normal;
  }
}

class GgufTokenizerLoader {
 public:
  explicit GgufTokenizerLoader(const GgufFile& gguf) : gguf_(gguf) {}

  std::unique_ptr<Tokenizer> load() {
    const std::optional<std::string_view> kind = gguf_.text("tokenizer.ggml.model");
    if (!kind) fail("{}: tokenizer.ggml.model is missing: the file has no tokenizer", gguf_.path());
    const bool sentencepiece = *kind == "llama";
    if (!sentencepiece && *kind != "gpt2")
      fail(
          "{}: tokenizer.ggml.model is '{}'{}: not supported: llama (SentencePiece BPE) and gpt2 (byte-level "
          "BPE) are",
          gguf_.path(), printable(*kind),
          *kind == "bert" ? " (WordPiece)"
          : *kind == "t5" ? " (unigram)"
                          : "");
    read_tokens(sentencepiece);
    read_special_ids();
    vocabulary_.add_bos =
        gguf_.boolean("tokenizer.ggml.add_bos_token").value_or(sentencepiece || adds_bos_by_name());
    vocabulary_.add_eos = gguf_.boolean("tokenizer.ggml.add_eos_token").value_or(false);
    return sentencepiece ? make_sentencepiece() : make_byte_level();
  }

 private:
  // Llama 3 files from before the key was written rely on the name.
  bool adds_bos_by_name() const {
    const std::string_view pre = gguf_.text("tokenizer.ggml.pre").value_or("");
    return pre == "llama-bpe" || pre == "llama3" || pre == "llama-v3";
  }

  void read_tokens(bool sentencepiece) {
    vocabulary_.path = gguf_.path();
    const std::vector<std::string_view> tokens = gguf_.texts("tokenizer.ggml.tokens");
    const std::vector<std::int64_t> types = gguf_.integers("tokenizer.ggml.token_type");
    if (tokens.empty()) fail("{}: tokenizer.ggml.tokens is missing or empty", gguf_.path());
    if (tokens.size() > (std::size_t{1} << 26))
      fail("{}: tokenizer.ggml.tokens has {} entries: too many", gguf_.path(), tokens.size());
    if (!types.empty() && types.size() != tokens.size())
      fail("{}: tokenizer.ggml.token_type has {} entries: tokenizer.ggml.tokens has {}", gguf_.path(),
           types.size(), tokens.size());
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const TokenKind kind = types.empty() ? TokenKind::normal : kind_from(types[i]);
      const bool literal = kind == TokenKind::special || kind == TokenKind::user_defined;
      std::string bytes = sentencepiece ? sentencepiece_bytes(tokens[i])
                          : literal     ? std::string(tokens[i])
                                        : text_to_bytes(tokens[i]);
      vocabulary_.add(std::string(tokens[i]), std::move(bytes), kind);
    }
  }

  std::optional<TokenId> special_id(std::string_view name) const {
    const std::string key = fmt::format("tokenizer.ggml.{}_token_id", name);
    const std::optional<std::int64_t> id = gguf_.integer(key);
    if (!id || *id == 0xffffffff) return std::nullopt;  // -1, as some writers say "none"
    return vocabulary_.checked(*id, key);
  }

  void read_special_ids() {
    const bool old_default = gguf_.text("tokenizer.ggml.model") == "llama";
    vocabulary_.bos = special_id("bos").value_or(old_default && vocabulary_.size() > 2 ? 1 : -1);
    vocabulary_.eos = special_id("eos").value_or(old_default && vocabulary_.size() > 2 ? 2 : -1);
    vocabulary_.unknown = special_id("unknown").value_or(-1);
    for (const std::string_view name : {"eot", "eom"})
      if (const std::optional<TokenId> id = special_id(name)) vocabulary_.ends.insert(*id);
    vocabulary_.find_ends();
  }

  std::unique_ptr<Tokenizer> make_sentencepiece() {
    std::vector<float> scores = gguf_.floats("tokenizer.ggml.scores");
    if (scores.size() != vocabulary_.size())
      fail("{}: tokenizer.ggml.scores has {} entries: tokenizer.ggml.tokens has {}", gguf_.path(),
           scores.size(), vocabulary_.size());
    const auto is_nan = [](float score) { return std::isnan(score); };
    if (const auto nan = std::find_if(scores.begin(), scores.end(), is_nan); nan != scores.end())
      fail("{}: tokenizer.ggml.scores entry {} is nan: must be a number", gguf_.path(), nan - scores.begin());
    vocabulary_.space_prefix = gguf_.boolean("tokenizer.ggml.add_space_prefix").value_or(true);
    TextBpeTokenizer::Preparation preparation;
    if (!vocabulary_.space_prefix) preparation.prefix = TextBpeTokenizer::Prefix::none;
    SpecialTokens special = SpecialTokens::of(vocabulary_);
    return std::make_unique<TextBpeTokenizer>(std::move(vocabulary_), std::move(special), std::move(scores),
                                              MergeTable(), std::move(preparation));
  }

  std::unique_ptr<Tokenizer> make_byte_level() {
    std::vector<std::pair<std::string_view, std::string_view>> merges;
    for (const std::string_view merge : gguf_.texts("tokenizer.ggml.merges")) {
      const std::size_t space = merge.find(' ', 1);  // a token may be a space itself only in front
      if (space == std::string_view::npos)
        fail("{}: tokenizer.ggml.merges entry {} is no pair of tokens", gguf_.path(), merges.size());
      merges.emplace_back(merge.substr(0, space), merge.substr(space + 1));
    }
    if (merges.empty()) fail("{}: tokenizer.ggml.merges is missing or empty", gguf_.path());
    const std::string_view name = gguf_.text("tokenizer.ggml.pre").value_or("default");
    const std::vector<std::string> patterns = patterns_by_name(name);
    if (patterns.empty())
      fail(
          "{}: tokenizer.ggml.pre is '{}': texts cannot be split this way yet: gpt-2, llama-bpe, qwen2, "
          "gpt-4o are known",
          gguf_.path(), printable(name));
    SpecialTokens special = SpecialTokens::of(vocabulary_);
    const bool llama3 = patterns == patterns_by_name("llama-bpe");
    return std::make_unique<ByteLevelBpeTokenizer>(std::move(vocabulary_), std::move(special),
                                                   PreTokenizer(patterns, gguf_.path()), merges,
                                                   ByteLevelBpeTokenizer::Options{false, llama3});
  }

  const GgufFile& gguf_;
  Vocabulary vocabulary_;
};

}  // namespace

std::unique_ptr<Tokenizer> load_gguf_tokenizer(const GgufFile& gguf) {
  return GgufTokenizerLoader(gguf).load();
}

}  // namespace burin::runtime
