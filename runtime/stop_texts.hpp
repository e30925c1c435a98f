// Ends a streamed text at the first stop text, which may come in pieces.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace burin::runtime {

// Fed the text in pieces; lets through what can no longer be part of a stop text. How the text is cut
// into pieces changes nothing in the result: the stop text that is complete first counts, and where several
// end at the same character, the longest. Given whole UTF-8 characters, it returns whole ones.
// Not thread-safe.
class StopTexts {
 public:
  // None at all: every piece passes through. Throws burin::Error for an empty stop text and for one that
  // starts inside a UTF-8 character.
  explicit StopTexts(std::vector<std::string> stops);

  // Returns what may be printed now; the view is valid until the next call. After found(), always empty.
  std::string_view add(std::string_view piece);
  // The text has ended: returns what was held back, empty after found().
  std::string_view flush();
  // True once a stop text came; all text before it has been returned.
  bool found() const { return found_; }
  // Begins a new text.
  void reset();

 private:
  // One stop text and how much of it the text so far ends in (Knuth, Morris and Pratt, 1977).
  struct Matcher {
    std::string stop;
    std::vector<std::size_t> fallback;  // [n]: how much of `stop` its first n bytes end in, without being all
    std::size_t matched = 0;
  };
  static void advance(Matcher& matcher, char byte);
  std::size_t advance_all(char byte);
  std::size_t longest_match() const;

  std::vector<Matcher> matchers_;
  std::string pending_;       // what the last call returned, then what is held back
  std::size_t released_ = 0;  // how much of it was returned
  bool found_ = false;
};

}  // namespace burin::runtime
