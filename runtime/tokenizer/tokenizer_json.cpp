// Tokenizers from tokenizer.json (Hugging Face tokenizers) and from GPT-2's vocab.json with merges.txt.
#include <algorithm>

#include "jit/error.hpp"
#include "runtime/files/json_text.hpp"
#include "runtime/files/mapped_file.hpp"
#include "runtime/tokenizer/byte_level_bpe_tokenizer.hpp"
#include "runtime/tokenizer/composed.hpp"
#include "runtime/tokenizer/loaders.hpp"
#include "runtime/tokenizer/text_bpe_tokenizer.hpp"
#include "runtime/tokenizer/tokenizer_json_components.hpp"
#include "runtime/tokenizer/unigram_tokenizer.hpp"

namespace burin::runtime {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kLargestFile = 256u << 20;

using TextPair = std::pair<std::string, std::string>;

class TokenizerJsonLoader {
 public:
  TokenizerJsonLoader(std::string path, const FolderSettings& settings)
      : path_(std::move(path)), typed_(path_), settings_(settings) {
    vocabulary_.path = path_;
  }

  std::unique_ptr<Tokenizer> load() {
    const json root = parse_json_object(path_, read_text_file(path_, kLargestFile));
    const json& model = typed_.object(root, "model");
    const std::string type = typed_.text_or(model, "type", "BPE");
    if (type != "BPE" && type != "Unigram")
      fail("{}: model.type is '{}': not supported: BPE and Unigram are", path_, printable(type));
    const TokenizerJsonComponents components(typed_, root);
    components.check_others();
    if (type == "Unigram") return make_unigram(root, model, components);
    read_vocabulary(entries_of(typed_.object(model, "vocab")), root);
    read_merges(model);
    read_special_ids(root);
    if (typed_.flag_or(model, "byte_fallback", false) || components.has_space_marks())
      return make_text_bpe(components.preparation());
    return make_byte_level(components.splitting(), typed_.flag_or(model, "ignore_merges", false));
  }

  std::unique_ptr<Tokenizer> load_pair(const fs::path& folder, const std::vector<std::string>& patterns) {
    const fs::path merges = folder / "merges.txt";
    const json vocab = parse_json_object(path_, read_text_file(path_, kLargestFile));
    read_vocabulary(entries_of(vocab), json::object());
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
    Splitting splitting;
    splitting.patterns = patterns;
    if (settings_.tokenizer_class.starts_with("Qwen2")) splitting.normalizer.emplace_back(composed);
    return make_byte_level(splitting, false);
  }

 private:
  // --- vocabulary

  using Entries = std::vector<std::pair<std::int64_t, std::string>>;

  Entries entries_of(const json& vocab) const {
    Entries entries;
    for (const auto& [text, id] : vocab.items()) {
      if (!id.is_number_integer())
        fail("{}: id of token '{}' is {}: a number is expected", path_, printable(text), id.type_name());
      entries.emplace_back(id.get<std::int64_t>(), text);
    }
    return entries;
  }

  void read_vocabulary(Entries entries, const json& root) {
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

  void read_added(const json& token, Entries& entries, std::set<std::int64_t>& added) {
    if (!token.is_object() || !token.contains("id") || !token["id"].is_number_integer())
      fail("{}: an entry of added_tokens has no number as id", path_);
    add_special(parse_added_token(path_, token["id"].get<std::int64_t>(), token), entries, added);
  }

  void add_special(SpecialToken token, Entries& entries, std::set<std::int64_t>& added) {
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
    if (const auto model = root.find("model"); model != root.end()) {
      vocabulary_.unknown = id_of(typed_.text_or(*model, "unk_token", ""));
      vocabulary_.fuses_unknown = typed_.flag_or(*model, "fuse_unk", false);
    }
    const auto post = root.find("post_processor");
    if (post != root.end() && post->is_object()) read_template(*post);
  }

  // BertProcessing and RobertaProcessing: "cls": ["<s>", 0] stands before a text, "sep" behind it.
  void read_classifier(const json& post) {
    const std::string type = typed_.text_or(post, "type", "");
    if (type != "BertProcessing" && type != "RobertaProcessing") return;
    const auto id_at = [&](const char* key) {
      const auto at = post.find(key);
      const bool named = at != post.end() && at->is_array() && at->size() == 2 && (*at)[0].is_string();
      const TokenId id = named ? id_of((*at)[0].get<std::string>()) : -1;
      if (id < 0) fail("{}: post_processor {}: {} names no token", path_, type, key);
      return id;
    };
    vocabulary_.bos = id_at("cls");
    vocabulary_.eos = id_at("sep");
    vocabulary_.add_bos = vocabulary_.add_eos = true;
  }

  // TemplateProcessing says what stands before and after a text; it may be one of a sequence.
  void read_template(const json& post) {
    if (typed_.text_or(post, "type", "") == "Sequence" && post.contains("processors") &&
        post["processors"].is_array()) {
      for (const json& part : post["processors"])
        if (part.is_object()) read_template(part);
      return;
    }
    read_classifier(post);
    if (typed_.text_or(post, "type", "") != "TemplateProcessing") return;
    const auto single = post.find("single");
    if (single == post.end() || !single->is_array()) return;
    bool before = true;
    for (const json& part : *single) {
      if (part.is_object() && part.contains("Sequence")) before = false;
      if (!part.is_object() || !part.contains("SpecialToken") || !part["SpecialToken"].is_object()) continue;
      const TokenId id = id_of(typed_.text_or(part["SpecialToken"], "id", ""));
      if (id < 0) continue;
      if (before) {
        vocabulary_.beginning.push_back(id);
        vocabulary_.bos = vocabulary_.beginning.front();
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

  // --- SentencePiece's kinds

  // Where a normalizer puts the space in front (Prepend), tokens that are looked for behind it have one as well. No white
  // space is left then that could be stripped.
  SpecialTokens take_prepared_tokens(const MarkedTextTokenizer::Preparation& preparation) {
    SpecialTokens taken;
    if (preparation.prefix == MarkedTextTokenizer::Prefix::none || preparation.missing_prefix_only)
      return taken;
    const auto others = std::stable_partition(added_.begin(), added_.end(),
                                              [](const SpecialToken& token) { return !token.normalized; });
    for (auto token = others; token != added_.end(); ++token)
      taken.add({preparation.prepared(token->text, true), token->id, token->always, false, false,
                 token->single_word});
    added_.erase(others, added_.end());
    return taken;
  }

  void finish_marked_tokens(MarkedTextTokenizer::Preparation& preparation) {
    preparation.prepared_tokens = take_prepared_tokens(preparation);
    vocabulary_.space_prefix = preparation.prefix != MarkedTextTokenizer::Prefix::none;
    for (std::size_t i = 0; i < vocabulary_.size(); ++i) {
      if (vocabulary_.kinds[i] == TokenKind::normal && byte_of_token(vocabulary_.texts[i]) >= 0)
        vocabulary_.kinds[i] = TokenKind::byte;
      vocabulary_.bytes[i] = sentencepiece_bytes(vocabulary_.texts[i]);
    }
  }

  std::unique_ptr<Tokenizer> make_text_bpe(MarkedTextTokenizer::Preparation preparation) {
    finish_marked_tokens(preparation);
    const TokenMap ids = vocabulary_.index();
    MergeTable merges(merges_.size());
    double rank = 0;
    for (const auto& [left, right] : merges_) {
      const auto l = ids.find(left);
      const auto r = ids.find(right);
      const auto whole = ids.find(left + right);
      ++rank;
      if (l != ids.end() && r != ids.end() && whole != ids.end())
        merges.add(l->second, r->second, {whole->second, rank});
    }
    if (merges.empty()) fail("{}: model.merges has no pair of known tokens: nothing says what merges", path_);
    SpecialTokens special = special_tokens();
    return std::make_unique<TextBpeTokenizer>(std::move(vocabulary_), std::move(special),
                                              std::vector<float>(), std::move(merges),
                                              std::move(preparation));
  }

  // model.vocab is a list of [token, logarithm of its probability].
  std::unique_ptr<Tokenizer> make_unigram(const json& root, const json& model,
                                          const TokenizerJsonComponents& components) {
    const auto vocab = model.find("vocab");
    if (vocab == model.end() || !vocab->is_array()) fail("{}: model.vocab is missing or no list", path_);
    Entries entries;
    std::vector<double> scores;
    for (const json& token : *vocab) {
      if (!token.is_array() || token.size() != 2 || !token[0].is_string() || !token[1].is_number())
        fail("{}: model.vocab entry {} is no token with its score", path_, entries.size());
      entries.emplace_back(entries.size(), token[0].get<std::string>());
      scores.push_back(token[1].get<double>());
    }
    read_vocabulary(std::move(entries), root);
    read_special_ids(root);
    if (const auto id = model.find("unk_id"); id != model.end() && id->is_number_integer())
      vocabulary_.unknown = vocabulary_.checked(id->get<std::int64_t>(), "model.unk_id");
    MarkedTextTokenizer::Preparation preparation = components.preparation();
    finish_marked_tokens(preparation);
    if (!typed_.flag_or(model, "byte_fallback", false))
      for (TokenKind& kind : vocabulary_.kinds)
        if (kind == TokenKind::byte) kind = TokenKind::normal;
    if (vocabulary_.unknown >= 0)
      vocabulary_.kinds[static_cast<std::size_t>(vocabulary_.unknown)] = TokenKind::unused;
    SpecialTokens special = special_tokens();
    return std::make_unique<UnigramTokenizer>(std::move(vocabulary_), std::move(special), std::move(scores),
                                              std::move(preparation));
  }

  // --- byte-level BPE

  std::unique_ptr<Tokenizer> make_byte_level(const Splitting& splitting, bool ignore_merges) {
    for (std::size_t i = 0; i < vocabulary_.size(); ++i)
      vocabulary_.bytes[i] = vocabulary_.kinds[i] == TokenKind::normal ? text_to_bytes(vocabulary_.texts[i])
                                                                       : vocabulary_.texts[i];
    std::vector<std::pair<std::string_view, std::string_view>> merges(merges_.begin(), merges_.end());
    if (merges.empty()) fail("{}: there are no merges", path_);
    SpecialTokens special = special_tokens();
    return std::make_unique<ByteLevelBpeTokenizer>(
        std::move(vocabulary_), std::move(special), PreTokenizer(splitting.patterns, path_, splitting.spelt),
        merges, ByteLevelBpeTokenizer::Options{splitting.prefix_space, ignore_merges, splitting.normalizer});
  }

  std::string path_;
  TypedJson typed_;
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
