#include "runtime/chat/jinja/text.hpp"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <set>

#include "runtime/tokenizer/characters.hpp"

namespace burin::runtime::jinja {
namespace {

constexpr std::int32_t kSharpS = 0xdf;

void append_character(std::string& text, std::int32_t character) {
  utf8proc_uint8_t bytes[4];
  const auto count = utf8proc_encode_char(character, bytes);
  text.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(count));
}

enum class Case : std::uint8_t { upper, title, lower };

void append_cased(std::string& text, std::string_view character, Case to) {
  std::size_t bytes = 0;
  const std::int32_t code = first_character(character, bytes);
  if (code < 0)
    text += character;
  else if (code == kSharpS && to != Case::lower)
    text += to == Case::upper ? "SS" : "Ss";
  else
    append_character(text, to == Case::upper   ? utf8proc_toupper(code)
                           : to == Case::title ? utf8proc_totitle(code)
                                               : utf8proc_tolower(code));
}

std::string all_cased(std::string_view text, Case to) {
  std::string result;
  result.reserve(text.size());
  for (const std::string_view character : split_characters(text)) append_cased(result, character, to);
  return result;
}

bool is_cased_letter(std::string_view character) {
  std::size_t bytes = 0;
  const std::int32_t code = first_character(character, bytes);
  if (code < 0) return false;
  const utf8proc_category_t category = utf8proc_category(code);
  return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL ||
         category == UTF8PROC_CATEGORY_LT || utf8proc_toupper(code) != code || utf8proc_tolower(code) != code;
}

bool is_printable(std::int32_t code) {
  switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return false;
    case UTF8PROC_CATEGORY_ZS: return code == ' ';
    default: return true;
  }
}

std::string escaped(std::int32_t code) {
  const auto number = static_cast<std::uint32_t>(code);
  if (number < 0x100) return fmt::format("\\x{:02x}", number);
  if (number < 0x10000) return fmt::format("\\u{:04x}", number);
  return fmt::format("\\U{:08x}", number);
}

bool is_stripped(std::string_view character, const std::set<std::string_view>* wanted) {
  if (wanted != nullptr) return wanted->contains(character);
  std::size_t bytes = 0;
  return is_space(first_character(character, bytes));
}

}  // namespace

std::int32_t first_character(std::string_view text, std::size_t& bytes) {
  utf8proc_int32_t code = -1;
  const utf8proc_ssize_t count = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                                  static_cast<utf8proc_ssize_t>(text.size()), &code);
  bytes = count > 0 ? static_cast<std::size_t>(count) : 1;
  return count > 0 ? code : -1;
}

std::vector<std::string_view> split_characters(std::string_view text) {
  std::vector<std::string_view> characters;
  while (!text.empty()) {
    std::size_t bytes = 0;
    first_character(text, bytes);
    characters.push_back(text.substr(0, bytes));
    text.remove_prefix(bytes);
  }
  return characters;
}

std::size_t character_count(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t bytes = 0; !text.empty(); text.remove_prefix(bytes), ++count) first_character(text, bytes);
  return count;
}

std::size_t character_offset(std::string_view text, std::size_t index) {
  std::size_t offset = 0;
  for (std::size_t bytes = 0; index > 0 && offset < text.size(); offset += bytes, --index)
    first_character(text.substr(offset), bytes);
  return offset;
}

std::size_t find_text(std::string_view text, std::string_view wanted, std::size_t from) {
  if (from > text.size()) return std::string_view::npos;
  if (wanted.empty()) return from;
  const void* found = memmem(text.data() + from, text.size() - from, wanted.data(), wanted.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

std::size_t rfind_text(std::string_view text, std::string_view wanted, std::size_t end) {
  const std::string backwards(text.rend() - static_cast<std::ptrdiff_t>(end), text.rend());
  const std::string reversed(wanted.rbegin(), wanted.rend());
  const std::size_t found = find_text(backwards, reversed, 0);
  return found == std::string_view::npos ? found : end - found - wanted.size();
}

bool is_space(std::int32_t code) {
  constexpr std::int32_t kOthers[] = {0x20, 0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000};
  return (code >= 0x09 && code <= 0x0d) || (code >= 0x1c && code <= 0x1f) ||
         (code >= 0x2000 && code <= 0x200a) ||
         std::find(std::begin(kOthers), std::end(kOthers), code) != std::end(kOthers);
}

bool is_digit(std::int32_t code) {
  return code >= 0 &&
         (utf8proc_category(code) == UTF8PROC_CATEGORY_ND || code == 0xb2 || code == 0xb3 || code == 0xb9 ||
          code == 0x2070 || (code >= 0x2074 && code <= 0x2079) || (code >= 0x2080 && code <= 0x2089));
}

std::string_view strip(std::string_view text, Side side, const std::string* characters) {
  std::set<std::string_view> set;
  if (characters != nullptr)
    for (const std::string_view character : split_characters(*characters)) set.insert(character);
  const std::set<std::string_view>* wanted = characters != nullptr ? &set : nullptr;
  while (side != Side::right && !text.empty()) {
    std::size_t bytes = 0;
    first_character(text, bytes);
    if (!is_stripped(text.substr(0, bytes), wanted)) break;
    text.remove_prefix(bytes);
  }
  while (side != Side::left && !text.empty()) {
    const std::string_view last = last_character(text);
    if (!is_stripped(last, wanted)) break;
    text.remove_suffix(last.size());
  }
  return text;
}

std::string to_upper(std::string_view text) { return all_cased(text, Case::upper); }
std::string to_lower(std::string_view text) { return all_cased(text, Case::lower); }

std::string capitalized(std::string_view text) {
  std::string result;
  for (const std::string_view character : split_characters(text))
    append_cased(result, character, result.empty() ? Case::title : Case::lower);
  return result;
}

std::string title_method(std::string_view text) {
  std::string result;
  bool in_word = false;
  for (const std::string_view character : split_characters(text)) {
    append_cased(result, character, in_word ? Case::lower : Case::title);
    in_word = is_cased_letter(character);
  }
  return result;
}

std::string title_filter(std::string_view text) {
  std::string result;
  bool in_word = false;
  for (const std::string_view character : split_characters(text)) {
    std::size_t bytes = 0;
    const std::int32_t code = first_character(character, bytes);
    const bool separates =
        is_space(code) || code == '-' || code == '(' || code == '{' || code == '[' || code == '<';
    append_cased(result, character, in_word ? Case::lower : Case::upper);
    in_word = !separates;
  }
  return result;
}

std::string quoted(std::string_view text) {
  const bool doubled = text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos;
  const char quote = doubled ? '"' : '\'';
  std::string result(1, quote);
  for (const std::string_view character : split_characters(text)) {
    std::size_t bytes = 0;
    const std::int32_t code = first_character(character, bytes);
    if (code == quote || code == '\\')
      (result += '\\') += character;
    else if (code == '\n')
      result += "\\n";
    else if (code == '\r')
      result += "\\r";
    else if (code == '\t')
      result += "\\t";
    else if (code >= 0 && !is_printable(code))
      result += escaped(code);
    else
      result += character;
  }
  return result + quote;
}

}  // namespace burin::runtime::jinja
