#include "runtime/sampling/grammar/grammar_source.hpp"

#include <charconv>

namespace burin::runtime {
namespace {

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

template <typename Is>
std::size_t length_of(std::string_view text, Is&& is) {
  std::size_t length = 0;
  while (length < text.size() && is(text[length])) ++length;
  return length;
}

}  // namespace

std::string_view GrammarSource::advance(std::size_t bytes) {
  const std::string_view passed = left_.substr(0, bytes);
  left_.remove_prefix(passed.size());
  for (const char c : passed) {
    const bool continues = (static_cast<unsigned char>(c) & 0xc0u) == 0x80u;
    if (c == '\n')
      place_ = {place_.line + 1, 1};
    else if (!continues)
      ++place_.column;
  }
  return passed;
}

bool GrammarSource::take(std::string_view text) {
  if (!at(text)) return false;
  advance(text.size());
  return true;
}

void GrammarSource::want(std::string_view text, std::string_view for_what) {
  if (!take(text)) fail_at(place_, "{} stands where {} is to {}: write it", shown(), text, for_what);
}

void GrammarSource::skip_space(bool line_ends_too) {
  while (!left_.empty()) {
    const char c = left_.front();
    if (c == '#')
      advance(length_of(left_, [](char d) { return d != '\n' && d != '\r'; }));
    else if (c == ' ' || c == '\t' || (line_ends_too && (c == '\n' || c == '\r')))
      advance(1);
    else
      return;
  }
}

bool GrammarSource::at_name() const { return is_name_character(peek()); }

std::string_view GrammarSource::name() {
  const std::size_t length = length_of(left_, is_name_character);
  if (length == 0)
    fail_at(place_, "{} stands where a rule's name is to be: use letters, digits and -", shown());
  return advance(length);
}

std::uint32_t GrammarSource::number(std::uint32_t most, std::string_view for_what) {
  const GrammarPlace place = place_;
  if (!is_digit(peek())) fail_at(place, "{} stands where a number of {} is to be", shown(), for_what);
  const std::string_view digits = advance(length_of(left_, is_digit));
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || value > most)
    fail_at(place, "{} {} are too many: give up to {}", printable(digits.substr(0, 30)), for_what, most);
  return value;
}

std::uint32_t GrammarSource::character() {
  const GrammarPlace place = place_;
  if (at_end()) fail_at(place, "the text ends inside of a literal or set: close it");
  if (peek() == '\\') return escaped();
  Utf8Prefix prefix;
  Utf8Prefix::Step step = Utf8Prefix::Step::incomplete;
  while (step == Utf8Prefix::Step::incomplete && !left_.empty())
    step = prefix.push(static_cast<unsigned char>(advance(1).front()));
  if (step != Utf8Prefix::Step::complete)
    fail_at(place, "a character is not UTF-8: save the grammar as UTF-8");
  return prefix.code_point();
}

std::uint32_t GrammarSource::escaped() {
  const GrammarPlace place = place_;
  const std::string_view escape = advance(2);
  switch (escape.size() == 2 ? escape[1] : '\0') {
    case 'x': return hexadecimal(2);
    case 'u': return hexadecimal(4);
    case 'U': return hexadecimal(8);
    case 't': return '\t';
    case 'r': return '\r';
    case 'n': return '\n';
    case '\\':
    case '"':
    case '[':
    case ']': return static_cast<std::uint32_t>(escape[1]);
    default: break;
  }
  fail_at(place, "{} is no escape: use \\n \\r \\t \\\\ \\\" \\[ \\] \\xXX \\uXXXX \\UXXXXXXXX",
          printable(escape));
}

std::uint32_t GrammarSource::hexadecimal(std::size_t digits) {
  const GrammarPlace place = place_;
  const std::string_view text = advance(digits);
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (text.size() != digits || error != std::errc() || end != text.data() + text.size() ||
      value > kLastCodePoint)
    fail_at(place, "{} is no code point of {} hexadecimal digits, up to 10FFFF", printable(text), digits);
  return value;
}

std::string_view GrammarSource::until(char last) {
  const GrammarPlace place = place_;
  const std::size_t length = left_.find(last);
  if (length == left_.npos) fail_at(place, "the text ends before {}: write it", last);
  const std::string_view passed = advance(length);
  advance(1);
  return passed;
}

std::string GrammarSource::shown() const {
  if (left_.empty()) return "the end";
  const std::size_t length =
      length_of(left_.substr(0, 20), [](char c) { return c != ' ' && c != '\n' && c != '\r'; });
  if (length == 0) return left_.front() == ' ' ? "a space" : "the line's end";
  return fmt::format("'{}'", printable(left_.substr(0, length)));
}

}  // namespace burin::runtime
