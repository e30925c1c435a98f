// Where SentencePiece's text falls apart into words that are encoded by themselves.
//
// Tokens spell a space as U+2581. No merge, and no best path, goes over a place that no token has within it. Most
// vocabularies have few tokens with something else than a space before a space, and none with a line's end beside
// something else: then most spaces, and line ends, that follow a letter are such places.
//
//   text     | The| cat  sat| on|\nthe|       words begin with their spaces, or the end of a line
#pragma once

#include <array>
#include <bitset>
#include <string_view>

namespace burin::runtime {

inline constexpr std::string_view kSpaceMark = "\xe2\x96\x81";  // U+2581

class SpaceWords {
 public:
  // every_space: all spaces begin words, whatever tokens there are.
  explicit SpaceWords(bool every_space = false) : every_space_(every_space) {}

  // A token that may be a part of the result: what it stands for, with spaces as spaces.
  void add_token(std::string_view bytes);

  // Calls use(word) with the words of a text, from left to right; the text's last byte is no word of its own.
  template <typename Use>
  void each(std::string_view text, const Use& use) const {
    std::size_t begin = 0;
    for (std::size_t at = 1; at < text.size(); ++at) {
      if (!may_begin_word(text[at]) || !begins_word(text, at)) continue;
      use(text.substr(begin, at - begin));
      begin = at;
    }
    if (begin < text.size()) use(text.substr(begin));
  }

 private:
  // A byte that may begin a word.
  struct Start {
    bool is_token = false;  // else it may become one unknown token with what stands before it
    std::bitset<1 << 16>
        goes_over;  // by the bytes before and behind it: a token has all three, or ends with it
  };

  bool begins_word(std::string_view text, std::size_t at) const {
    if (every_space_ && text[at] == ' ') return true;
    const Start& start = starts_[index_of(text[at])];
    return start.is_token && at + 1 < text.size() && !start.goes_over[around(text, at)];
  }
  static bool may_begin_word(char byte) { return byte == ' ' || byte == '\n'; }
  static std::size_t index_of(char byte) { return byte == ' ' ? 0 : 1; }
  static std::size_t around(std::string_view text, std::size_t at) {
    return std::size_t{static_cast<unsigned char>(text[at - 1])} << 8 |
           static_cast<unsigned char>(text[at + 1]);
  }

  bool every_space_;
  std::array<Start, 2> starts_;
};

}  // namespace burin::runtime
