// Cuts a text into the words within which byte-level BPE merges.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace burin::runtime {

// A list of regular expressions (PCRE2, Unicode), each applied to the pieces the one before left: matches and
// the gaps between them become pieces of their own. Immutable; thread-safe.
class PreTokenizer {
 public:
  // Throws burin::Error naming `where` and the pattern that does not compile.
  PreTokenizer(const std::vector<std::string>& patterns, const std::string& where);
  ~PreTokenizer();
  PreTokenizer(PreTokenizer&&) noexcept;

  // Views into the text. Bytes that are no UTF-8 stay in one piece with their neighbours.
  std::vector<std::string_view> split(std::string_view text) const;

 private:
  struct Pattern;
  class Matcher;
  std::vector<std::unique_ptr<Pattern>> patterns_;
};

// GPT-2's published pattern, which most byte-level tokenizers use.
extern const char* const kGpt2Pattern;

// Patterns by the name GGUF files give them ("tokenizer.ggml.pre"); empty where the name is unknown.
std::vector<std::string> patterns_by_name(std::string_view name);

}  // namespace burin::runtime
