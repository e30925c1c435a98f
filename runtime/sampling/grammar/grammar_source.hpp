// Reading the text of a grammar.
#pragma once

#include <string_view>

#include "jit/error.hpp"
#include "runtime/sampling/grammar/grammar.hpp"

namespace burin::runtime {

template <typename... Args>
[[noreturn]] void fail_at(GrammarPlace place, fmt::format_string<Args...> format, Args&&... args) {
  fail("grammar: line {}, column {}: {}", place.line, place.column,
       fmt::vformat(format, fmt::make_format_args(args...)));
}

// A place in the text that moves on; the text must outlive it.
class GrammarSource {
 public:
  explicit GrammarSource(std::string_view text) : left_(text) {}

  bool at_end() const { return left_.empty(); }
  GrammarPlace place() const { return place_; }
  char peek() const { return left_.empty() ? '\0' : left_.front(); }
  bool at(std::string_view text) const { return left_.starts_with(text); }
  // Passes it where it stands here.
  bool take(std::string_view text);
  void want(std::string_view text, std::string_view for_what);
  // Spaces and comments, and line ends where those do not end anything.
  void skip_space(bool line_ends_too);

  bool at_name() const;
  std::string_view name();  // of a rule
  std::uint32_t number(std::uint32_t most, std::string_view for_what);
  std::uint32_t character();          // plain or escaped
  std::string_view until(char last);  // and behind it; without it
  std::string shown() const;          // what stands here, for messages

 private:
  std::string_view advance(std::size_t bytes);
  std::uint32_t escaped();
  std::uint32_t hexadecimal(std::size_t digits);

  std::string_view left_;
  GrammarPlace place_;
};

}  // namespace burin::runtime
