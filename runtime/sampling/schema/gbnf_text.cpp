#include "runtime/sampling/schema/gbnf_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace burin::runtime {
namespace {

std::string set_character(std::uint32_t code_point) {
  const bool plain = (code_point >= '0' && code_point <= '9') || (code_point >= 'a' && code_point <= 'z') ||
                     (code_point >= 'A' && code_point <= 'Z') || code_point == '_' || code_point == ' ';
  if (plain) return std::string(1, static_cast<char>(code_point));
  if (code_point <= 0xff) return fmt::format("\\x{:02X}", code_point);
  if (code_point <= 0xffff) return fmt::format("\\u{:04X}", code_point);
  return fmt::format("\\U{:08X}", code_point);
}

// What stands in JSON strings as it is.
constexpr CodePointRange kPlain[] = {
    {0x20, 0x21}, {0x23, 0x5b}, {0x5d, 0x7e}, {0x80, 0xd7ff}, {0xe000, kLastCodePoint}};

struct Escape {
  std::uint32_t code_point;
  char letter;
};
constexpr Escape kEscapes[] = {{'"', '"'},  {'\\', '\\'}, {'\b', 'b'}, {'\f', 'f'},
                               {'\n', 'n'}, {'\r', 'r'},  {'\t', 't'}};

}  // namespace

std::string gbnf_literal(std::string_view text) {
  std::string literal = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      literal += {'\\', c};
    else if (byte < 0x20 || byte == 0x7f)
      literal += fmt::format("\\x{:02X}", byte);
    else
      literal += c;
  }
  return literal + "\"";
}

std::string gbnf_set(const std::vector<CodePointRange>& ranges, bool negated) {
  std::string set = negated ? "[^" : "[";
  for (const auto& [first, last] : ranges) {
    set += set_character(first);
    if (last > first) set += "-" + set_character(last);
  }
  return set + "]";
}

std::string gbnf_times(std::int64_t least, std::int64_t most) {
  if (least == 1 && most == 1) return "";
  if (least == 0 && most == 1) return "?";
  if (least == 0 && most < 0) return "*";
  if (least == 1 && most < 0) return "+";
  if (most < 0) return fmt::format("{{{},}}", least);
  if (least == most) return fmt::format("{{{}}}", least);
  return fmt::format("{{{},{}}}", least, most);
}

std::string gbnf_json_character(const std::vector<CodePointRange>& ranges) {
  std::vector<CodePointRange> plain;
  std::string escapes;
  for (const auto& [first, last] : ranges) {
    for (const CodePointRange& part : kPlain)
      if (std::max(first, part.first) <= std::min(last, part.last))
        plain.push_back({std::max(first, part.first), std::min(last, part.last)});
    for (const auto& [code_point, letter] : kEscapes)
      if (first <= code_point && code_point <= last)
        escapes += " | " + gbnf_literal(std::string{'\\', letter});
  }
  if (plain.empty()) return escapes.empty() ? "" : "(" + escapes.substr(3) + ")";
  return escapes.empty() ? gbnf_set(plain) : "(" + gbnf_set(plain) + escapes + ")";
}

std::string json_escaped(std::string_view text) {
  const std::string quoted = nlohmann::json(text).dump();
  return quoted.substr(1, quoted.size() - 2);
}

}  // namespace burin::runtime
