// Cuts a text into the words within which byte-level BPE merges.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace burin::runtime {

// A list of regular expressions (PCRE2, Unicode), each applied to the pieces the one before left: matches and
// the gaps between them become pieces of their own. Immutable; thread-safe.
class PreTokenizer {
 public:
  // What is done with pieces: views into the text, from left to right.
  using Use = std::function<void(std::string_view)>;

  // Throws burin::Error naming `where` and the pattern that does not compile.
  // `spelt` patterns see words as GPT-2 spells bytes (bytes_to_text), as components behind Hugging Face's ByteLevel do.
  PreTokenizer(const std::vector<std::string>& patterns, const std::string& where,
               const std::vector<std::string>& spelt = {});
  ~PreTokenizer();
  PreTokenizer(PreTokenizer&&) noexcept;

  // Views into the text. Bytes that are no UTF-8 stay in one piece with their neighbours.
  std::vector<std::string_view> split(std::string_view text) const;

  // The same in two steps. Pieces are what the first patterns make, and already so short that most come again and
  // again; their words are what the other patterns make of a piece, whatever stands around it. So who remembers what
  // became of a piece needs not ask for its words again.
  void each_piece(std::string_view text, const Use& use) const;
  void each_word(std::string_view piece, const Use& use) const;

 private:
  struct Pattern;
  class Matcher;

  void each_spelt_word(std::string_view word, const Use& use) const;

  std::vector<std::unique_ptr<Pattern>> patterns_;
  std::vector<std::unique_ptr<Pattern>> spelt_;
};

// GPT-2's published pattern, which most byte-level tokenizers use.
extern const char* const kGpt2Pattern;

// Patterns by the name GGUF files give them ("tokenizer.ggml.pre"); empty where the name is unknown.
std::vector<std::string> patterns_by_name(std::string_view name);

}  // namespace burin::runtime
