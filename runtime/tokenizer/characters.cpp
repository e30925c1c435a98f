#include "runtime/tokenizer/characters.hpp"

#include <utf8proc.h>

#include <algorithm>

#include "runtime/tokenizer/utf8.hpp"

namespace burin::runtime {

std::string_view first_character(std::string_view text) { return text.substr(0, utf8_step(text).length); }

std::string_view last_character(std::string_view text) {
  constexpr std::size_t kLongest = 4;
  for (std::size_t length = 2; length <= std::min(kLongest, text.size()); ++length) {
    const std::string_view last = text.substr(text.size() - length);
    if (const Utf8Step step = utf8_step(last); step.valid && step.length == length) return last;
  }
  return text.substr(text.size() - 1);
}

std::int32_t code_point(std::string_view character) {
  utf8proc_int32_t code = -1;
  utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(character.data()),
                   static_cast<utf8proc_ssize_t>(character.size()), &code);
  return code;
}

bool is_white_space(std::int32_t code) {
  if ((code >= '\t' && code <= '\r') || code == 0x85) return true;
  const utf8proc_category_t category = utf8proc_category(code);
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
         category == UTF8PROC_CATEGORY_ZP;
}

bool is_word_character(std::int32_t code) {
  switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC: return true;
    default: return code == 0x200c || code == 0x200d;  // joiners
  }
}

}  // namespace burin::runtime
