#include "runtime/chat/jinja/escapes.hpp"

#include <utf8proc.h>

#include <charconv>

namespace burin::runtime::jinja {
namespace {

bool append_character(std::string& text, std::uint32_t code) {
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
  utf8proc_uint8_t bytes[4];
  const auto count = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code), bytes);
  text.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(count));
  return true;
}

char simple_escape(char c) {
  switch (c) {
    case 'n': return '\n';
    case 't': return '\t';
    case 'r': return '\r';
    case 'a': return '\a';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'v': return '\v';
    case '\\':
    case '\'':
    case '"': return c;
    default: return '\0';
  }
}

std::size_t hex_digits(char c) { return c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0; }

// The number written with these digits, all of them; removes them from `text`.
std::optional<std::uint32_t> take_number(std::string_view& text, std::size_t digits, int base) {
  if (text.size() < digits) return std::nullopt;
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, number, base);
  if (error != std::errc() || end != text.data() + digits) return std::nullopt;
  text.remove_prefix(digits);
  return number;
}

std::size_t octal_digits(std::string_view text) {
  std::size_t count = 0;
  while (count < 3 && count < text.size() && text[count] >= '0' && text[count] <= '7') ++count;
  return count;
}

// `text` stands behind a backslash.
bool resolve_one(std::string_view& text, std::string& result) {
  const char c = text.front();
  std::optional<std::uint32_t> code;
  if (const std::size_t octal = octal_digits(text); octal > 0) {
    code = take_number(text, octal, 8);
  } else if (const std::size_t digits = hex_digits(c); digits > 0) {
    text.remove_prefix(1);
    code = take_number(text, digits, 16);
  } else if (c == 'N') {
    return false;
  } else {
    text.remove_prefix(1);
    if (c == '\n') return true;  // a line that goes on
    if (const char simple = simple_escape(c); simple != '\0')
      result += simple;
    else
      (result += '\\') += c;
    return true;
  }
  return code && append_character(result, *code);
}

}  // namespace

std::optional<std::string> resolve_escapes(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t plain = std::min(text.find('\\'), text.size());
    result += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    text.remove_prefix(1);
    if (text.empty() || !resolve_one(text, result)) return std::nullopt;
  }
  return result;
}

}  // namespace burin::runtime::jinja
