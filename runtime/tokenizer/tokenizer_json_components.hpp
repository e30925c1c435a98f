// The normalizer and the pre-tokenizer of tokenizer.json. Components that are not supported are refused by name.
#pragma once

#include <functional>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/tokenizer/marked_text_tokenizer.hpp"

namespace burin::runtime {

// A file's JSON with types checked; messages name the file.
class TypedJson {
 public:
  using Json = nlohmann::json;

  explicit TypedJson(std::string path) : path_(std::move(path)) {}
  const std::string& path() const { return path_; }

  const Json& object(const Json& parent, const char* key) const;
  std::string text_or(const Json& parent, const char* key, std::string_view otherwise) const;
  bool flag_or(const Json& parent, const char* key, bool otherwise) const;

 private:
  std::string path_;
};

// How a text is cut and spelt before bytes merge.
struct Splitting {
  bool prefix_space = false;
  Normalizer normalizer;
  bool byte_level = false;
  std::vector<std::string> patterns;
  std::vector<std::string> spelt;  // of the components behind ByteLevel, which see its spelling
};

class TokenizerJsonComponents {
 public:
  TokenizerJsonComponents(const TypedJson& typed, const nlohmann::json& root) : typed_(typed), root_(root) {}

  // Whether spaces become U+2581, as SentencePiece has them.
  bool has_space_marks() const;
  MarkedTextTokenizer::Preparation preparation() const;
  Splitting splitting() const;
  // Throws burin::Error where the post-processor, the decoder or BPE's fields ask for what no encoder does.
  void check_others() const;

 private:
  using Json = nlohmann::json;
  using Visit = std::function<void(const Json& component, const std::string& type)>;

  // Calls visit for a component, or for each of a Sequence's.
  void each(const char* key, const char* list, const Visit& visit) const;
  void each_normalizer(const Visit& visit) const { each("normalizer", "normalizers", visit); }
  void each_pre_tokenizer(const Visit& visit) const { each("pre_tokenizer", "pretokenizers", visit); }
  void check_types(const char* key, const char* list, const char* what,
                   std::initializer_list<std::string_view> supported) const;
  std::string text_of_pattern(const Json& component) const;
  bool replaces_spaces(const Json& component, const std::string& type) const;
  void add_normalizer(const Json& component, const std::string& type, Normalizer& normalizer) const;
  bool splits_nowhere(const Json& component, const std::string& type) const;
  void read_metaspace(const Json& component, MarkedTextTokenizer::Preparation& preparation) const;
  void read_pre_tokenizer(const Json& component, const std::string& type, Splitting& splitting) const;
  std::string punctuation_pattern(const Json& component) const;
  std::string split_pattern(const Json& component) const;

  const TypedJson& typed_;
  const Json& root_;
};

}  // namespace burin::runtime
