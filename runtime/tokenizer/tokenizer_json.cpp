// Tokenizers from tokenizer.json (Hugging Face tokenizers) and from GPT-2's vocab.json with merges.txt.
#include <algorithm>

#include "jit/error.hpp"
#include "runtime/files/json_text.hpp"
#include "runtime/files/mapped_file.hpp"
#include "runtime/tokenizer/byte_level_bpe_tokenizer.hpp"
#include "runtime/tokenizer/loaders.hpp"
#include "runtime/tokenizer/text_bpe_tokenizer.hpp"

namespace burin::runtime {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kLargestFile = 256u << 20;
constexpr std::string_view kSpaceMark = "\xe2\x96\x81";

using TextPair = std::pair<std::string, std::string>;

// How a text is cut and spelt before merging.
struct Splitting {
  bool byte_level = false;
  bool prefix_space = false;
  bool compose = false;  // Unicode NFC
  std::vector<std::string> patterns;
};

class TokenizerJsonLoader {
 public:
  TokenizerJsonLoader(std::string path, const FolderSettings& settings)
      : path_(std::move(path)), settings_(settings) {
    vocabulary_.path = path_;
  }

  std::unique_ptr<Tokenizer> load() {
    const json root = parse_json_object(path_, read_text_file(path_, kLargestFile));
    const json& model = object(root, "model");
    if (const std::string type = text_or(model, "type", "BPE"); type != "BPE")
      fail("{}: model.type is '{}': not supported: BPE is", path_, printable(type));
    read_vocabulary(object(model, "vocab"), root);
    read_merges(model);
    read_special_ids(root);
    if (flag_or(model, "byte_fallback", false) || has_space_marks(root)) return make_text_bpe(root);
    return make_byte_level(root, flag_or(model, "ignore_merges", false));
  }

  std::unique_ptr<Tokenizer> load_pair(const fs::path& folder, const std::vector<std::string>& patterns) {
    const bool compose = settings_.tokenizer_class.starts_with("Qwen2");
    const fs::path merges = folder / "merges.txt";
    const json vocab = parse_json_object(path_, read_text_file(path_, kLargestFile));
    read_vocabulary(vocab, json::object());
    const std::string text = read_text_file(merges, kLargestFile);
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      std::string_view line = std::string_view(text).substr(at, end - at);
      at = end + 1;
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (line.empty() || line.starts_with("#version")) continue;
      add_merge(line, merges.string());
    }
    read_special_ids(json::object());
    Splitting splitting{true, false, compose, patterns};
    return finish_byte_level(splitting, false);
  }

 private:
  // --- JSON with types checked

  const json& object(const json& parent, const char* key) const {
    const auto at = parent.find(key);
    if (at == parent.end() || !at->is_object()) fail("{}: {} is missing or no object", path_, key);
    return *at;
  }
  std::string text_or(const json& parent, const char* key, std::string_view otherwise) const {
    const auto at = parent.find(key);
    if (at == parent.end() || at->is_null()) return std::string(otherwise);
    if (!at->is_string()) fail("{}: {} is {}: a text is expected", path_, key, at->type_name());
    return at->get<std::string>();
  }
  bool flag_or(const json& parent, const char* key, bool otherwise) const {
    const auto at = parent.find(key);
    return at != parent.end() && at->is_boolean() ? at->get<bool>() : otherwise;
  }

  // --- vocabulary

  void read_vocabulary(const json& vocab, const json& root) {
    std::vector<std::pair<std::int64_t, std::string>> entries;
    for (const auto& [text, id] : vocab.items()) {
      if (!id.is_number_integer())
        fail("{}: id of token '{}' is {}: a number is expected", path_, printable(text), id.type_name());
      entries.emplace_back(id.get<std::int64_t>(), text);
    }
    std::set<std::int64_t> added;
    if (const auto at = root.find("added_tokens"); at != root.end() && at->is_array())
      for (const json& token : *at) read_added(token, entries, added);
    if (root.empty())  // no tokenizer.json: they stand in tokenizer_config.json
      for (const SpecialToken& token : settings_.added) add_special(token, entries, added);
    std::sort(entries.begin(), entries.end());
    if (entries.empty()) fail("{}: model.vocab is empty", path_);
    if (entries.front().first < 0 || entries.back().first >= kMostTokens ||
        entries.back().first > 4 * static_cast<std::int64_t>(entries.size()) + 1024)
      fail("{}: token ids go from {} to {}: implausible for {} tokens", path_, entries.front().first,
           entries.back().first, entries.size());
    for (const auto& [id, text] : entries) {
      const auto next = static_cast<std::int64_t>(vocabulary_.size());
      if (id < next) {
        if (vocabulary_.texts[static_cast<std::size_t>(id)] == text)
          continue;  // an added token that is in the vocabulary too
        fail("{}: token id {} stands twice: '{}' and '{}'", path_, id,
             printable(vocabulary_.texts[static_cast<std::size_t>(id)]), printable(text));
      }
      while (static_cast<std::int64_t>(vocabulary_.size()) < id) vocabulary_.add("", "", TokenKind::unused);
      vocabulary_.add(text, "", added.contains(id) ? TokenKind::special : TokenKind::normal);
    }
    for (const SpecialToken& token : added_)
      if (!added_special_.contains(token.id))
        vocabulary_.kinds[static_cast<std::size_t>(token.id)] = TokenKind::user_defined;
  }

  void read_added(const json& token, std::vector<std::pair<std::int64_t, std::string>>& entries,
                  std::set<std::int64_t>& added) {
    if (!token.is_object() || !token.contains("id") || !token["id"].is_number_integer())
      fail("{}: an entry of added_tokens has no number as id", path_);
    add_special(parse_added_token(path_, token["id"].get<std::int64_t>(), token), entries, added);
  }

  void add_special(SpecialToken token, std::vector<std::pair<std::int64_t, std::string>>& entries,
                   std::set<std::int64_t>& added) {
    entries.emplace_back(token.id, token.text);
    added.insert(token.id);
    if (!token.always) added_special_.insert(token.id);
    added_.push_back(std::move(token));
  }

  // --- merges: "a b", or pairs

  void read_merges(const json& model) {
    const auto at = model.find("merges");
    if (at == model.end() || !at->is_array()) fail("{}: model.merges is missing or no list", path_);
    for (const json& merge : *at) {
      if (merge.is_string())
        add_merge(merge.get_ref<const std::string&>(), path_);
      else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string())
        merges_.emplace_back(merge[0].get<std::string>(), merge[1].get<std::string>());
      else
        fail("{}: model.merges entry {} is no pair of tokens", path_, merges_.size());
    }
  }

  void add_merge(std::string_view line, const std::string& where) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos || space == 0 || space + 1 == line.size())
      fail("{}: merge {} is '{}': two tokens are expected", where, merges_.size(), printable(line));
    merges_.emplace_back(line.substr(0, space), line.substr(space + 1));
  }

  // --- special tokens

  TokenId id_of(const std::string& text) const {
    const auto at = std::find(vocabulary_.texts.begin(), vocabulary_.texts.end(), text);
    return text.empty() || at == vocabulary_.texts.end()
               ? -1
               : static_cast<TokenId>(at - vocabulary_.texts.begin());
  }

  void read_special_ids(const json& root) {
    const auto size = static_cast<std::int64_t>(vocabulary_.size());
    vocabulary_.bos = id_of(settings_.bos_text);
    if (vocabulary_.bos < 0 && settings_.bos_id && *settings_.bos_id >= 0 && *settings_.bos_id < size)
      vocabulary_.bos = static_cast<TokenId>(*settings_.bos_id);
    vocabulary_.eos = id_of(settings_.eos_text);
    vocabulary_.find_ends(settings_.eos_ids);
    vocabulary_.add_bos = settings_.add_bos.value_or(false);
    vocabulary_.add_eos = settings_.add_eos.value_or(false);
    if (const auto model = root.find("model"); model != root.end())
      vocabulary_.unknown = id_of(text_or(*model, "unk_token", ""));
    const auto post = root.find("post_processor");
    if (post != root.end() && post->is_object()) read_template(*post);
  }

  // TemplateProcessing says what stands before and after a text; it may be one of a sequence.
  void read_template(const json& post) {
    if (text_or(post, "type", "") == "Sequence" && post.contains("processors") &&
        post["processors"].is_array()) {
      for (const json& part : post["processors"])
        if (part.is_object()) read_template(part);
      return;
    }
    if (text_or(post, "type", "") != "TemplateProcessing") return;
    const auto single = post.find("single");
    if (single == post.end() || !single->is_array()) return;
    bool before = true;
    for (const json& part : *single) {
      if (part.is_object() && part.contains("Sequence")) before = false;
      if (!part.is_object() || !part.contains("SpecialToken") || !part["SpecialToken"].is_object()) continue;
      const TokenId id = id_of(text_or(part["SpecialToken"], "id", ""));
      if (id < 0) continue;
      if (before) {
        vocabulary_.bos = id;
        vocabulary_.add_bos = true;
      } else {
        vocabulary_.eos = id;
        vocabulary_.add_eos = true;
      }
    }
  }

  SpecialTokens special_tokens() const {
    SpecialTokens special;
    for (const SpecialToken& token : added_) special.add(token);
    return special;
  }

  // --- SentencePiece-like BPE

  // Calls visit for a component, or for each of a Sequence's.
  template <typename Visit>
  void for_each_component(const json& root, const char* key, const char* list, Visit visit) const {
    const auto at = root.find(key);
    if (at == root.end() || at->is_null()) return;
    if (!at->is_object()) fail("{}: {} is {}: an object is expected", path_, key, at->type_name());
    if (text_or(*at, "type", "") != "Sequence") {
      visit(*at);
      return;
    }
    const auto parts = at->find(list);
    if (parts == at->end() || !parts->is_array()) fail("{}: {}.{} is missing or no list", path_, key, list);
    for (const json& part : *parts)
      if (part.is_object()) visit(part);
  }

  bool has_space_marks(const json& root) const {
    bool found = false;
    for_each_component(root, "pre_tokenizer", "pretokenizers",
                       [&](const json& part) { found |= text_or(part, "type", "") == "Metaspace"; });
    for_each_component(root, "normalizer", "normalizers", [&](const json& part) {
      found |= text_or(part, "type", "") == "Replace" && text_or(part, "content", "") == kSpaceMark;
    });
    return found;
  }

  // Gemma's way to split: at spaces that its normaliser has replaced already, so nowhere.
  bool splits_nowhere(const json& root, const json& part) const {
    const json pattern = part.value("pattern", json());
    if (text_or(part, "type", "") != "Split" || !pattern.is_object() || text_or(pattern, "String", "") != " ")
      return false;
    bool replaced = false;
    for_each_component(root, "normalizer", "normalizers", [&](const json& normalizer) {
      const json from = normalizer.value("pattern", json());
      replaced |= text_or(normalizer, "type", "") == "Replace" && from.is_object() &&
                  text_or(from, "String", "") == " ";
    });
    return replaced;
  }

  std::unique_ptr<Tokenizer> make_text_bpe(const json& root) {
    auto prefix = TextBpeTokenizer::Prefix::none;
    for_each_component(root, "normalizer", "normalizers", [&](const json& part) {
      const std::string type = text_or(part, "type", "");
      if (type == "Prepend")
        prefix = TextBpeTokenizer::Prefix::every_part;
      else if (type != "Replace")
        fail("{}: normalizer is '{}': not supported with byte fallback: Prepend and Replace are", path_,
             printable(type));
    });
    for_each_component(root, "pre_tokenizer", "pretokenizers", [&](const json& part) {
      if (splits_nowhere(root, part)) return;
      if (text_or(part, "type", "") != "Metaspace")
        fail("{}: pre_tokenizer is '{}': not supported with byte fallback: Metaspace is", path_,
             printable(text_or(part, "type", "")));
      const std::string scheme =
          text_or(part, "prepend_scheme", flag_or(part, "add_prefix_space", true) ? "always" : "never");
      prefix = scheme == "always"  ? TextBpeTokenizer::Prefix::every_part
               : scheme == "first" ? TextBpeTokenizer::Prefix::first_part
                                   : TextBpeTokenizer::Prefix::none;
    });
    vocabulary_.space_prefix = prefix != TextBpeTokenizer::Prefix::none;
    for (std::size_t i = 0; i < vocabulary_.size(); ++i) {
      if (vocabulary_.kinds[i] == TokenKind::normal && byte_of_token(vocabulary_.texts[i]) >= 0)
        vocabulary_.kinds[i] = TokenKind::byte;
      vocabulary_.bytes[i] = sentencepiece_bytes(vocabulary_.texts[i]);
    }
    const TokenMap ids = vocabulary_.index();
    MergeList merges;
    double rank = 0;
    for (const auto& [left, right] : merges_) {
      const auto l = ids.find(left);
      const auto r = ids.find(right);
      const auto whole = ids.find(left + right);
      ++rank;
      if (l != ids.end() && r != ids.end() && whole != ids.end())
        merges.emplace(std::pair(l->second, r->second), BpeMerge{whole->second, rank});
    }
    if (merges.empty()) fail("{}: model.merges has no pair of known tokens: nothing says what merges", path_);
    SpecialTokens special = special_tokens();
    return std::make_unique<TextBpeTokenizer>(std::move(vocabulary_), std::move(special),
                                              std::vector<float>(), std::move(merges), prefix);
  }

  // --- byte-level BPE

  void read_pre_tokenizer(const json& part, Splitting& splitting) const {
    const std::string type = text_or(part, "type", "");
    if (type == "ByteLevel") {
      splitting.byte_level = true;
      splitting.prefix_space |= flag_or(part, "add_prefix_space", true);
      if (flag_or(part, "use_regex", true)) splitting.patterns.emplace_back(kGpt2Pattern);
    } else if (type == "Digits") {
      splitting.patterns.emplace_back(flag_or(part, "individual_digits", false) ? R"(\p{N})" : R"(\p{N}+)");
    } else if (type == "Punctuation") {
      if (const std::string behavior = text_or(part, "behavior", "Isolated");
          behavior != "Contiguous" && behavior != "Isolated")
        fail("{}: pre_tokenizer Punctuation behavior '{}' is not supported", path_, printable(behavior));
      splitting.patterns.emplace_back(text_or(part, "behavior", "Isolated") == "Contiguous"
                                          ? R"([\p{P}\$\+<=>\^~\|`]+)"
                                          : R"([\p{P}\$\+<=>\^~\|`])");
    } else if (type == "Split") {
      const json& pattern = object(part, "pattern");
      const std::string behavior = text_or(part, "behavior", "Isolated");
      if (behavior != "Isolated" && !(behavior == "Removed" && flag_or(part, "invert", false)))
        fail("{}: pre_tokenizer Split behavior '{}' is not supported: Isolated is", path_,
             printable(behavior));
      if (!pattern.contains("Regex"))
        fail("{}: pre_tokenizer Split pattern is no Regex: not supported", path_);
      splitting.patterns.push_back(text_or(pattern, "Regex", ""));
    } else {
      fail("{}: pre_tokenizer '{}' is not supported: ByteLevel, Split, Digits and Punctuation are", path_,
           printable(type));
    }
  }

  std::unique_ptr<Tokenizer> make_byte_level(const json& root, bool ignore_merges) {
    Splitting splitting;
    for_each_component(root, "normalizer", "normalizers", [&](const json& part) {
      const std::string type = text_or(part, "type", "");
      if (type != "NFC") fail("{}: normalizer '{}' is not supported: NFC is", path_, printable(type));
      splitting.compose = true;
    });
    for_each_component(root, "pre_tokenizer", "pretokenizers",
                       [&](const json& part) { read_pre_tokenizer(part, splitting); });
    if (!splitting.byte_level)
      fail("{}: pre_tokenizer is not ByteLevel: this kind of BPE is not supported", path_);
    return finish_byte_level(splitting, ignore_merges);
  }

  std::unique_ptr<Tokenizer> finish_byte_level(const Splitting& splitting, bool ignore_merges) {
    for (std::size_t i = 0; i < vocabulary_.size(); ++i)
      vocabulary_.bytes[i] = vocabulary_.kinds[i] == TokenKind::normal ? text_to_bytes(vocabulary_.texts[i])
                                                                       : vocabulary_.texts[i];
    std::vector<std::pair<std::string_view, std::string_view>> merges(merges_.begin(), merges_.end());
    if (merges.empty()) fail("{}: there are no merges", path_);
    SpecialTokens special = special_tokens();
    return std::make_unique<ByteLevelBpeTokenizer>(
        std::move(vocabulary_), std::move(special), PreTokenizer(splitting.patterns, path_), merges,
        ByteLevelBpeTokenizer::Options{splitting.prefix_space, ignore_merges, splitting.compose});
  }

  std::string path_;
  const FolderSettings& settings_;
  Vocabulary vocabulary_;
  std::vector<SpecialToken> added_;
  std::set<TokenId> added_special_;
  std::vector<TextPair> merges_;
};

}  // namespace

std::unique_ptr<Tokenizer> load_tokenizer_json(const fs::path& path, const FolderSettings& settings) {
  return TokenizerJsonLoader(path.string(), settings).load();
}

std::unique_ptr<Tokenizer> load_vocab_and_merges(const fs::path& folder, const FolderSettings& settings,
                                                 const std::vector<std::string>& patterns) {
  return TokenizerJsonLoader((folder / "vocab.json").string(), settings).load_pair(folder, patterns);
}

}  // namespace burin::runtime
