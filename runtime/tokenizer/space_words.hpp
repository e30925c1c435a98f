// Where SentencePiece's text falls apart into words that are encoded by themselves.
//
// Tokens spell a space as U+2581. No merge, and no best path, goes over a place that no token has within it. Most
// vocabularies have no token with something else than a space before a space: then each space that follows a letter is
// such a place.
//
//   text     | The| cat  sat| on|          words begin with their spaces
#pragma once

#include <array>
#include <string_view>

namespace burin::runtime {

inline constexpr std::string_view kSpaceMark = "\xe2\x96\x81";  // U+2581

class SpaceWords {
 public:
  // A token that may be a part of the result.
  void add_token(std::string_view text);

  // Calls use(word) with the words of a text, from left to right; a space at the end is no word of its own.
  template <typename Use>
  void each(std::string_view text, const Use& use) const {
    std::size_t begin = 0;
    for (std::size_t at = text.find(' ', 1); at != std::string_view::npos && at + 1 < text.size();
         at = text.find(' ', at + 1)) {
      const auto before = static_cast<unsigned char>(text[at - 1]);
      if (before == ' ' || before_mark_[before]) continue;
      use(text.substr(begin, at - begin));
      begin = at;
    }
    if (begin < text.size()) use(text.substr(begin));
  }

 private:
  std::array<bool, 256> before_mark_{};  // last bytes of what stands before a mark within a token
};

}  // namespace burin::runtime
