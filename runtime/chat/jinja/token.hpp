// What a template's text is cut into.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace burin::runtime::jinja {

// Counted from 1; columns in bytes.
struct Position {
  int line = 1;
  int column = 1;
};

enum class TokenKind : std::uint8_t {
  data,         // text outside of tags, white space already trimmed
  begin_tag,    // {%
  end_tag,      // %}
  begin_print,  // {{
  end_print,    // }}
  name,
  text,  // a quoted text, escapes resolved
  whole,
  floating,
  operation,  // + == | ...
  end,
};

struct Token {
  TokenKind kind = TokenKind::end;
  Position at;
  std::string text;
  std::int64_t whole = 0;
  double number = 0;

  bool is(TokenKind wanted, std::string_view wanted_text) const {
    return kind == wanted && text == wanted_text;
  }
};

// Cuts a template as Jinja does with trim_blocks and lstrip_blocks: the line end behind a tag and the spaces
// before one on its line are dropped, a `-` inside a tag drops all white space on that side, a `+` none.
// Throws burin::Error "NAME: line L, column C: ..." for tags, comments, texts and brackets that do not end,
// and characters that Jinja does not know.
std::vector<Token> cut(const std::string& name, std::string_view source);

// Throws burin::Error "NAME: line L, column C: MESSAGE".
[[noreturn]] void fail_at(const std::string& name, Position at, const std::string& message);

}  // namespace burin::runtime::jinja
