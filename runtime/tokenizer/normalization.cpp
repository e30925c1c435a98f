#include "runtime/tokenizer/normalization.hpp"

#include <utf8proc.h>

#include <array>
#include <cstdlib>
#include <memory>

#include "runtime/tokenizer/characters.hpp"

namespace burin::runtime {
namespace {

constexpr std::int32_t kCapitalDottedI = 0x130;  // the one that has two characters as its small letter

int options_of(UnicodeForm form) {
  switch (form) {
    case UnicodeForm::nfc: return UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    case UnicodeForm::nfd: return UTF8PROC_STABLE | UTF8PROC_DECOMPOSE;
    case UnicodeForm::nfkc: return UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT;
    default: return UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT;
  }
}

void append_lowercase(std::string_view character, std::string& out) {
  const std::int32_t code = code_point(character);
  if (code < 0) {
    out += character;
    return;
  }
  if (code == kCapitalDottedI) {
    out += "i\xcc\x87";
    return;
  }
  std::array<utf8proc_uint8_t, 4> bytes{};
  const utf8proc_ssize_t length = utf8proc_encode_char(utf8proc_tolower(code), bytes.data());
  out.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(length));
}

}  // namespace

std::string normalized(const Normalizer& normalizer, std::string_view text) {
  std::string result(text);
  for (const auto& step : normalizer) result = step(result);
  return result;
}

std::string in_form(std::string_view text, UnicodeForm form) {
  utf8proc_uint8_t* result = nullptr;
  const utf8proc_ssize_t length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                               static_cast<utf8proc_ssize_t>(text.size()), &result,
                                               static_cast<utf8proc_option_t>(options_of(form)));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(result, &std::free);
  if (length < 0) return std::string(text);
  return {reinterpret_cast<const char*>(result), static_cast<std::size_t>(length)};
}

std::string lowercase(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view character = first_character(rest);
    append_lowercase(character, result);
    rest.remove_prefix(character.size());
  }
  return result;
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  std::size_t done = 0;
  for (std::size_t at = text.find(from); at != std::string_view::npos && !from.empty();
       at = text.find(from, done)) {
    result.append(text, done, at - done).append(to);
    done = at + from.size();
  }
  return result.append(text, done);
}

std::string_view stripped(std::string_view text, bool left, bool right) {
  while (left && !text.empty() && is_white_space(code_point(first_character(text))))
    text.remove_prefix(first_character(text).size());
  while (right && !text.empty() && is_white_space(code_point(last_character(text))))
    text.remove_suffix(last_character(text).size());
  return text;
}

}  // namespace burin::runtime
