#include "runtime/tokenizer/tokenizer_json_components.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "jit/error.hpp"
#include "runtime/files/json_text.hpp"
#include "runtime/tokenizer/composed.hpp"
#include "runtime/tokenizer/pre_tokenizer.hpp"

namespace burin::runtime {
namespace {

constexpr const char* kByteLevelTypes = "ByteLevel, Split, Digits and Punctuation are";

}  // namespace

const nlohmann::json& TypedJson::object(const Json& parent, const char* key) const {
  const auto at = parent.find(key);
  if (at == parent.end() || !at->is_object()) fail("{}: {} is missing or no object", path_, key);
  return *at;
}

std::string TypedJson::text_or(const Json& parent, const char* key, std::string_view otherwise) const {
  const auto at = parent.find(key);
  if (at == parent.end() || at->is_null()) return std::string(otherwise);
  if (!at->is_string()) fail("{}: {} is {}: a text is expected", path_, key, at->type_name());
  return at->get<std::string>();
}

bool TypedJson::flag_or(const Json& parent, const char* key, bool otherwise) const {
  const auto at = parent.find(key);
  if (at == parent.end() || at->is_null()) return otherwise;
  if (!at->is_boolean()) fail("{}: {} is {}: true or false is expected", path_, key, at->type_name());
  return at->get<bool>();
}

void TokenizerJsonComponents::each(const char* key, const char* list, const Visit& visit) const {
  const auto at = root_.find(key);
  if (at == root_.end() || at->is_null()) return;
  if (!at->is_object()) fail("{}: {} is {}: an object is expected", typed_.path(), key, at->type_name());
  if (const std::string type = typed_.text_or(*at, "type", ""); type != "Sequence") return visit(*at, type);
  const auto parts = at->find(list);
  if (parts == at->end() || !parts->is_array())
    fail("{}: {}.{} is missing or no list", typed_.path(), key, list);
  for (const Json& part : *parts)
    if (part.is_object()) visit(part, typed_.text_or(part, "type", ""));
}

// --- post-processor and decoder, whose work the encoders know by themselves

void TokenizerJsonComponents::check_types(const char* key, const char* list, const char* what,
                                          std::initializer_list<std::string_view> supported) const {
  each(key, list, [&](const Json&, const std::string& type) {
    if (std::find(supported.begin(), supported.end(), type) == supported.end())
      fail("{}: {} '{}' is not supported: {} are", typed_.path(), what, printable(type),
           fmt::join(supported, ", "));
  });
}

void TokenizerJsonComponents::check_others() const {
  check_types("post_processor", "processors", "post_processor",
              {"TemplateProcessing", "ByteLevel", "BertProcessing", "RobertaProcessing"});
  check_types("decoder", "decoders", "decoder",
              {"ByteLevel", "Metaspace", "ByteFallback", "Fuse", "Replace", "Strip"});
  const Json& model = typed_.object(root_, "model");
  for (const char* field : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (const std::string text = typed_.text_or(model, field, ""); !text.empty())
      fail("{}: model.{} is '{}': not supported: BPE without it is", typed_.path(), field, printable(text));
}

// --- normalizers

std::string TokenizerJsonComponents::text_of_pattern(const Json& component) const {
  const Json& pattern = typed_.object(component, "pattern");
  if (!pattern.contains("String"))
    fail("{}: normalizer Replace has a pattern that is no String: not supported", typed_.path());
  return typed_.text_or(pattern, "String", "");
}

bool TokenizerJsonComponents::replaces_spaces(const Json& component, const std::string& type) const {
  return type == "Replace" && typed_.text_or(component, "content", "") == kSpaceMark &&
         text_of_pattern(component) == " ";
}

void TokenizerJsonComponents::add_normalizer(const Json& component, const std::string& type,
                                             Normalizer& normalizer) const {
  const auto add_form = [&](UnicodeForm form) {
    normalizer.emplace_back([form](std::string_view text) { return in_form(text, form); });
  };
  if (type == "NFC") {
    normalizer.emplace_back(composed);
  } else if (type == "NFD") {
    add_form(UnicodeForm::nfd);
  } else if (type == "NFKC") {
    add_form(UnicodeForm::nfkc);
  } else if (type == "NFKD") {
    add_form(UnicodeForm::nfkd);
  } else if (type == "Lowercase") {
    normalizer.emplace_back(lowercase);
  } else if (type == "Strip") {
    normalizer.emplace_back([left = typed_.flag_or(component, "strip_left", true),
                             right = typed_.flag_or(component, "strip_right", true)](std::string_view text) {
      return std::string(stripped(text, left, right));
    });
  } else if (type == "Replace") {
    normalizer.emplace_back([from = text_of_pattern(component),
                             to = typed_.text_or(component, "content", "")](std::string_view text) {
      return replaced(text, from, to);
    });
  } else {
    fail(
        "{}: normalizer '{}' is not supported: NFC, NFD, NFKC, NFKD, Lowercase, Strip, Replace and Prepend "
        "are{}",
        typed_.path(), printable(type),
        type == "Precompiled" ? "; the model's tokenizer.model has the same table and works" : "");
  }
}

// --- SentencePiece's kinds

bool TokenizerJsonComponents::has_space_marks() const {
  bool found = false;
  each_pre_tokenizer([&](const Json&, const std::string& type) { found |= type == "Metaspace"; });
  each_normalizer([&](const Json& part, const std::string& type) {
    found |= type == "Replace" && typed_.text_or(part, "content", "") == kSpaceMark;
  });
  return found;
}

void TokenizerJsonComponents::read_metaspace(const Json& component,
                                             MarkedTextTokenizer::Preparation& preparation) const {
  using Prefix = MarkedTextTokenizer::Prefix;
  if (const std::string mark = typed_.text_or(component, "replacement", kSpaceMark); mark != kSpaceMark)
    fail("{}: pre_tokenizer Metaspace has the replacement '{}': U+2581 is supported", typed_.path(),
         printable(mark));
  const std::string scheme = typed_.text_or(
      component, "prepend_scheme", typed_.flag_or(component, "add_prefix_space", true) ? "always" : "never");
  if (scheme != "always" && scheme != "first" && scheme != "never")
    fail("{}: pre_tokenizer Metaspace has the prepend_scheme '{}': always, first and never are supported",
         typed_.path(), printable(scheme));
  preparation.prefix = scheme == "always"  ? Prefix::every_part
                       : scheme == "first" ? Prefix::first_part
                                           : Prefix::none;
  preparation.missing_prefix_only = true;
  preparation.cut_every_space = typed_.flag_or(component, "split", true);
}

// Gemma's way to split: at spaces that its normalizer has replaced already.
bool TokenizerJsonComponents::splits_nowhere(const Json& component, const std::string& type) const {
  if (type != "Split" || typed_.text_or(typed_.object(component, "pattern"), "String", "") != " ")
    return false;
  bool replaced = false;
  each_normalizer([&](const Json& normalizer, const std::string& kind) {
    replaced |= replaces_spaces(normalizer, kind);
  });
  return replaced;
}

MarkedTextTokenizer::Preparation TokenizerJsonComponents::preparation() const {
  MarkedTextTokenizer::Preparation preparation;
  preparation.prefix = MarkedTextTokenizer::Prefix::none;
  each_normalizer([&](const Json& part, const std::string& type) {
    if (type == "Prepend" && typed_.text_or(part, "prepend", "") == kSpaceMark)
      preparation.prefix = MarkedTextTokenizer::Prefix::every_part;
    else if (type == "Prepend")
      fail("{}: normalizer Prepend puts '{}' in front: U+2581 is supported", typed_.path(),
           printable(typed_.text_or(part, "prepend", "")));
    else if (!replaces_spaces(part, type))
      add_normalizer(part, type, preparation.normalizer);
  });
  each_pre_tokenizer([&](const Json& part, const std::string& type) {
    if (splits_nowhere(part, type)) return;
    if (type != "Metaspace")
      fail("{}: pre_tokenizer '{}' is not supported where spaces become U+2581: Metaspace is", typed_.path(),
           printable(type));
    read_metaspace(part, preparation);
  });
  return preparation;
}

// --- byte-level BPE

std::string TokenizerJsonComponents::punctuation_pattern(const Json& component) const {
  const std::string behavior = typed_.text_or(component, "behavior", "Isolated");
  if (behavior != "Contiguous" && behavior != "Isolated")
    fail("{}: pre_tokenizer Punctuation behavior '{}' is not supported: Isolated and Contiguous are",
         typed_.path(), printable(behavior));
  return behavior == "Contiguous" ? R"([\p{P}\$\+<=>\^~\|`]+)" : R"([\p{P}\$\+<=>\^~\|`])";
}

std::string TokenizerJsonComponents::split_pattern(const Json& component) const {
  const Json& pattern = typed_.object(component, "pattern");
  const std::string behavior = typed_.text_or(component, "behavior", "Isolated");
  if (behavior != "Isolated" && !(behavior == "Removed" && typed_.flag_or(component, "invert", false)))
    fail("{}: pre_tokenizer Split behavior '{}' is not supported: Isolated is", typed_.path(),
         printable(behavior));
  if (!pattern.contains("Regex"))
    fail("{}: pre_tokenizer Split pattern is no Regex: not supported", typed_.path());
  return typed_.text_or(pattern, "Regex", "");
}

void TokenizerJsonComponents::read_pre_tokenizer(const Json& component, const std::string& type,
                                                 Splitting& splitting) const {
  std::vector<std::string>& patterns = splitting.byte_level ? splitting.spelt : splitting.patterns;
  if (type == "ByteLevel") {
    splitting.byte_level = true;
    splitting.prefix_space |= typed_.flag_or(component, "add_prefix_space", true);
    if (splitting.prefix_space && !patterns.empty())
      fail("{}: pre_tokenizer ByteLevel has add_prefix_space after another component: not supported",
           typed_.path());
    if (typed_.flag_or(component, "use_regex", true)) patterns.emplace_back(kGpt2Pattern);
  } else if (type == "Digits") {
    patterns.emplace_back(typed_.flag_or(component, "individual_digits", false) ? R"(\p{N})" : R"(\p{N}+)");
  } else if (type == "Punctuation") {
    patterns.push_back(punctuation_pattern(component));
  } else if (type == "Split") {
    patterns.push_back(split_pattern(component));
  } else {
    fail("{}: pre_tokenizer '{}' is not supported: {}", typed_.path(), printable(type), kByteLevelTypes);
  }
}

Splitting TokenizerJsonComponents::splitting() const {
  Splitting splitting;
  each_normalizer(
      [&](const Json& part, const std::string& type) { add_normalizer(part, type, splitting.normalizer); });
  each_pre_tokenizer(
      [&](const Json& part, const std::string& type) { read_pre_tokenizer(part, type, splitting); });
  if (!splitting.byte_level)
    fail(
        "{}: pre_tokenizer has no ByteLevel: this kind of BPE is not supported: byte-level BPE and BPE with "
        "Metaspace or byte_fallback are",
        typed_.path());
  return splitting;
}

}  // namespace burin::runtime
