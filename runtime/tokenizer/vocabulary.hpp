// What all tokenizers know of their tokens.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/tokenizer/tokenizer.hpp"

namespace burin::runtime {

enum class TokenKind : std::uint8_t {
  normal,
  special,       // never part of decoded text; matched in text where asked for
  user_defined,  // a text that is always one token
  byte,          // one byte that no other token covers
  unused,        // unknown-token marker, reserved: neither matched nor merged
};

// A token that is matched in text before anything else is done with it.
struct SpecialToken {
  std::string text;
  TokenId id = -1;
  bool always = false;      // user-defined: also where special tokens are not looked for
  bool strip_left = false;  // takes white space before it along (Hugging Face's added tokens)
  bool strip_right = false;
  bool single_word = false;  // not within a word
  bool normalized = false;   // found in the text as normalizers leave it, written as they would write it
};

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
using TokenMap = std::unordered_map<std::string, TokenId, StringHash, std::equal_to<>>;

struct Vocabulary {
  std::string path;                // of the file it comes from, for messages
  std::vector<std::string> texts;  // as the file spells tokens
  std::vector<std::string> bytes;  // what tokens stand for in decoded text
  std::vector<TokenKind> kinds;
  TokenId bos = -1;
  TokenId eos = -1;
  TokenId unknown = -1;
  // Of BPE: unknown characters behind each other are one token, as they always are for unigram models.
  bool fuses_unknown = false;
  std::set<TokenId> ends;  // of generation
  bool add_bos = false;
  std::vector<TokenId> beginning;  // what stands before a text instead of bos alone (ChatGLM: [gMASK] sop)
  bool add_eos = false;
  bool space_prefix = false;

  std::size_t size() const { return texts.size(); }
  void add(std::string text, std::string decoded, TokenKind kind);
  // Appends those of the added tokens whose ids lie behind the vocabulary; ids left out become unused.
  // Throws burin::Error where the gap is implausible.
  void add_beyond(std::vector<SpecialToken> added);
  // The id if it lies in the vocabulary; throws burin::Error naming file and field otherwise.
  TokenId checked(std::int64_t id, std::string_view field) const;
  // Ids by text; of tokens that stand twice, the first.
  TokenMap index() const;
  // Adds eos, special tokens with names that are known to end a turn, and what a folder's settings name: `ids`, of which
  // those that are no tokens are left out.
  void find_ends(const std::set<std::int64_t>& ids = {});
};

}  // namespace burin::runtime
