#include <charconv>
#include <optional>

#include "jit/error.hpp"
#include "runtime/chat/jinja/escapes.hpp"
#include "runtime/chat/jinja/text.hpp"
#include "runtime/chat/jinja/token.hpp"

namespace burin::runtime::jinja {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool begins_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

// One kind of line end, and none at the end of the file.
std::string with_plain_lines(std::string_view source) {
  std::string text;
  text.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      text += source[i];
      continue;
    }
    text += '\n';
    if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
  }
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

class Lexer {
 public:
  Lexer(const std::string& name, std::string_view source) : name_(name), source_(with_plain_lines(source)) {}

  std::vector<Token> cut() {
    while (at_ < source_.size()) cut_data_and_tag();
    add(TokenKind::end, at_);
    return std::move(tokens_);
  }

 private:
  std::string_view rest() const { return std::string_view(source_).substr(at_); }

  // Tokens come in the order of the source, so lines are counted once.
  Position position(std::size_t offset) {
    for (; counted_ < offset; ++counted_) {
      if (source_[counted_] != '\n') continue;
      ++line_;
      line_begin_ = counted_ + 1;
    }
    return {line_, static_cast<int>(offset - line_begin_) + 1};
  }

  Token& add(TokenKind kind, std::size_t offset, std::string text = "") {
    tokens_.push_back({kind, position(offset), std::move(text), 0, 0});
    return tokens_.back();
  }

  [[noreturn]] void refuse(std::size_t offset, const std::string& message) {
    fail_at(name_, position(offset), message);
  }

  std::size_t find_tag() const {
    for (std::size_t at = at_; (at = source_.find('{', at)) != std::string::npos; ++at) {
      const char next = at + 1 < source_.size() ? source_[at + 1] : '\0';
      if (next == '{' || next == '%' || next == '#') return at;
    }
    return std::string::npos;
  }

  // Data up to `tag`, without what the tag's sign and lstrip_blocks take away.
  void add_data(std::size_t tag, char sign, bool is_print) {
    std::string_view data = std::string_view(source_).substr(at_, tag - at_);
    if (sign == '-') {
      data = strip(data, Side::right);
    } else if (sign != '+' && !is_print) {
      const std::size_t line = data.rfind('\n') + 1;  // 0 where there is no line end
      const std::string_view before = data.substr(line);
      if ((line > 0 || line_begins_) && strip(before, Side::both).empty()) data = data.substr(0, line);
    }
    if (!data.empty()) add(TokenKind::data, at_, std::string(data));
  }

  void cut_data_and_tag() {
    const std::size_t tag = find_tag();
    if (tag == std::string::npos) {
      add(TokenKind::data, at_, source_.substr(at_));
      at_ = source_.size();
      return;
    }
    const char kind = source_[tag + 1];
    const char next = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    const char sign = next == '-' || next == '+' ? next : '\0';
    add_data(tag, sign, kind == '{');
    at_ = tag + (sign != '\0' ? 3 : 2);
    if (kind == '#')
      skip_comment(tag);
    else if (kind == '%' && begins_raw())
      cut_raw(tag);
    else
      cut_tag(tag, kind == '{');
  }

  void skip_white_space() { at_ = source_.size() - strip(rest(), Side::left).size(); }

  // Behind the end of a tag.
  void leave_tag(std::size_t length, char sign, bool trims_line) {
    at_ += length;
    if (sign == '-')
      skip_white_space();
    else if (sign != '+' && trims_line && rest().starts_with('\n'))
      ++at_;
    line_begins_ = at_ > 0 && source_[at_ - 1] == '\n';
  }

  void skip_comment(std::size_t begin) {
    const std::size_t end = source_.find("#}", at_);
    if (end == std::string::npos) refuse(begin, "the comment does not end: '#}' is missing");
    const char sign =
        end > at_ && (source_[end - 1] == '-' || source_[end - 1] == '+') ? source_[end - 1] : '\0';
    at_ = end;
    leave_tag(2, sign, true);
  }

  // {% raw %}; at_ moves behind it.
  bool begins_raw() {
    std::string_view text = strip(rest(), Side::left);
    if (!text.starts_with("raw")) return false;
    text = strip(text.substr(3), Side::left);
    const bool strips = text.starts_with("-%}");
    if (!strips && !text.starts_with("%}")) return false;
    at_ = source_.size() - text.size() + (strips ? 3 : 2);
    if (strips) skip_white_space();
    line_begins_ = source_[at_ - 1] == '\n';
    return true;
  }

  // Everything up to {% endraw %} is data.
  void cut_raw(std::size_t begin) {
    for (std::size_t tag = at_; (tag = source_.find("{%", tag)) != std::string::npos; tag += 2) {
      std::string_view text = std::string_view(source_).substr(tag + 2);
      const char sign = text.starts_with('-') || text.starts_with('+') ? text.front() : '\0';
      text = strip(text.substr(sign != '\0' ? 1 : 0), Side::left);
      if (!text.starts_with("endraw")) continue;
      text = strip(text.substr(6), Side::left);
      const char end_sign = text.starts_with('-') || text.starts_with('+') ? text.front() : '\0';
      const std::size_t length = end_sign != '\0' ? 3 : 2;
      if (text.substr(length - 2, 2) != "%}") continue;
      add_data(tag, sign, false);
      at_ = source_.size() - text.size();
      leave_tag(length, end_sign, true);
      return;
    }
    refuse(begin, "raw does not end: '{% endraw %}' is missing");
  }

  void cut_tag(std::size_t begin, bool is_print) {
    add(is_print ? TokenKind::begin_print : TokenKind::begin_tag, begin);
    brackets_.clear();
    while (!ends_tag(is_print)) {
      if (at_ >= source_.size())
        refuse(begin, is_print ? "'{{' does not end: '}}' is missing" : "'{%' does not end: '%}' is missing");
      cut_token();
      skip_white_space();
    }
  }

  bool ends_tag(bool is_print) {
    skip_white_space();
    if (!brackets_.empty()) return false;
    const std::string_view mark = is_print ? "}}" : "%}";
    const std::string_view text = rest();
    const bool has_sign = text.starts_with('-') || (text.starts_with('+') && !is_print);
    if (text.substr(has_sign ? 1 : 0, 2) != mark || text.size() < (has_sign ? 3u : 2u)) return false;
    add(is_print ? TokenKind::end_print : TokenKind::end_tag, at_);
    leave_tag(has_sign ? 3 : 2, has_sign ? text.front() : '\0', !is_print);
    return true;
  }

  void cut_token() {
    const char c = source_[at_];
    if (is_digit(c))
      cut_number();
    else if (begins_name(c))
      cut_name();
    else if (c == '\'' || c == '"')
      cut_text(c);
    else
      cut_operation();
  }

  void cut_name() {
    const std::size_t begin = at_;
    while (at_ < source_.size() && (begins_name(source_[at_]) || is_digit(source_[at_]))) ++at_;
    add(TokenKind::name, begin, source_.substr(begin, at_ - begin));
  }

  void cut_text(char quote) {
    const std::size_t begin = at_++;
    while (at_ < source_.size() && source_[at_] != quote) at_ += source_[at_] == '\\' ? 2u : 1u;
    if (at_ >= source_.size()) refuse(begin, fmt::format("the text does not end: {} is missing", quote));
    const std::string_view inside = std::string_view(source_).substr(begin + 1, at_ - begin - 1);
    ++at_;
    const std::optional<std::string> text = resolve_escapes(inside);
    if (!text) refuse(begin, "an escape in the text is incomplete or not supported");
    add(TokenKind::text, begin, *text);
  }

  // Digits, single underscores between them; `out` gets the digits.
  void take_digits(std::string& out) {
    while (at_ < source_.size()) {
      const bool joins = source_[at_] == '_' && at_ + 1 < source_.size() && is_digit(source_[at_ + 1]);
      if (!is_digit(source_[at_]) && !joins) return;
      if (!joins) out += source_[at_];
      ++at_;
    }
  }

  bool is_digit_at(std::size_t at) const { return at < source_.size() && is_digit(source_[at]); }

  void cut_number() {
    const std::size_t begin = at_;
    std::string digits;
    take_digits(digits);
    bool is_float = false;
    const bool behind_point = begin > 0 && source_[begin - 1] == '.';  // a.0.5 are two subscripts
    if (!behind_point && at_ < source_.size() && source_[at_] == '.' && is_digit_at(at_ + 1)) {
      is_float = true;
      digits += source_[at_++];
      take_digits(digits);
    }
    if (!behind_point && at_ < source_.size() && (source_[at_] == 'e' || source_[at_] == 'E')) {
      const bool has_sign = at_ + 1 < source_.size() && (source_[at_ + 1] == '+' || source_[at_ + 1] == '-');
      if (is_digit_at(at_ + (has_sign ? 2 : 1))) {
        is_float = true;
        digits += source_.substr(at_, has_sign ? 2 : 1);
        at_ += has_sign ? 2 : 1;
        take_digits(digits);
      }
    }
    Token& token = add(is_float ? TokenKind::floating : TokenKind::whole, begin, digits);
    if (is_float)
      token.number = std::strtod(digits.c_str(), nullptr);
    else
      read_whole(begin, digits, token);
  }

  void read_whole(std::size_t begin, const std::string& digits, Token& token) {
    if (digits.size() > 1 && digits.front() == '0' && digits.find_first_not_of('0') != std::string::npos)
      refuse(begin, fmt::format("the number {} begins with 0", printable(digits)));
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), token.whole);
    if (error != std::errc() || end != digits.data() + digits.size())
      refuse(begin, fmt::format("the number {} has more than 63 bits: not supported", printable(digits)));
    if (at_ < source_.size() && begins_name(source_[at_]) && digits == "0")
      refuse(begin, "numbers in other bases than ten are not supported");
  }

  void cut_operation() {
    constexpr std::string_view kDoubles[] = {"**", "//", "==", "!=", "<=", ">="};
    const std::size_t begin = at_;
    for (const std::string_view operation : kDoubles)
      if (rest().starts_with(operation)) {
        at_ += 2;
        add(TokenKind::operation, begin, std::string(operation));
        return;
      }
    const char c = source_[at_++];
    if (std::string_view("+-*/%~[](){}<>=.:|,;").find(c) == std::string_view::npos)
      refuse(begin, fmt::format("'{}' is not expected here", printable(source_.substr(begin, 1))));
    balance(begin, c);
    add(TokenKind::operation, begin, std::string(1, c));
  }

  void balance(std::size_t begin, char c) {
    if (c == '(' || c == '[' || c == '{') brackets_ += c == '(' ? ')' : c == '[' ? ']' : '}';
    if (c != ')' && c != ']' && c != '}') return;
    if (brackets_.empty() || brackets_.back() != c)
      refuse(begin, brackets_.empty() ? fmt::format("'{}' closes nothing", c)
                                      : fmt::format("'{}' where '{}' is expected", c, brackets_.back()));
    brackets_.pop_back();
  }

  const std::string& name_;
  std::string source_;
  std::size_t at_ = 0;
  bool line_begins_ = true;  // at_ stands at the beginning of a line
  std::string brackets_;     // that are to come
  std::vector<Token> tokens_;
  std::size_t counted_ = 0;
  std::size_t line_begin_ = 0;
  int line_ = 1;
};

}  // namespace

std::vector<Token> cut(const std::string& name, std::string_view source) { return Lexer(name, source).cut(); }

void fail_at(const std::string& name, Position at, const std::string& message) {
  fail("{}: line {}, column {}: {}", name, at.line, at.column, message);
}

}  // namespace burin::runtime::jinja
