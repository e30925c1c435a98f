// Characters of a text and their classes, as Unicode has them.
#pragma once

#include <cstdint>
#include <string_view>

namespace burin::runtime {

// The bytes of a non-empty text's first and last character; a byte that is no UTF-8 stands for itself.
std::string_view first_character(std::string_view text);
std::string_view last_character(std::string_view text);
// -1: the bytes are not one character.
std::int32_t code_point(std::string_view character);

// Property White_Space, regular expressions' \s.
bool is_white_space(std::int32_t code);
// Letters, marks, digits and connecting punctuation, regular expressions' \w (Unicode Technical Standard 18).
bool is_word_character(std::int32_t code);

}  // namespace burin::runtime
