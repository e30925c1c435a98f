// Texts as Python has them: sequences of characters, stored as UTF-8. A byte that is no UTF-8 is a character.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace burin::runtime::jinja {

std::size_t character_count(std::string_view text);
std::vector<std::string_view> split_characters(std::string_view text);
// Where the character `index` begins; the text's size at and behind its end.
std::size_t character_offset(std::string_view text, std::size_t index);

// In linear time whatever the texts; npos where it is not there.
std::size_t find_text(std::string_view text, std::string_view wanted, std::size_t from);
std::size_t rfind_text(std::string_view text, std::string_view wanted, std::size_t end);

enum class Side : std::uint8_t { left, right, both };
// Without white space, or without the characters in `characters` where it is not null.
std::string_view strip(std::string_view text, Side side, const std::string* characters = nullptr);
bool is_space(std::int32_t character);
bool is_digit(std::int32_t character);  // decimal, superscript or subscript
// The first character of a text that is not empty, and its bytes.
std::int32_t first_character(std::string_view text, std::size_t& bytes);

// One character becomes one (as Unicode's simple mappings say), but for the sharp s, whose capital is SS.
std::string to_upper(std::string_view text);
std::string to_lower(std::string_view text);
std::string capitalized(std::string_view text);
std::string title_method(std::string_view text);  // Python's str.title: after anything but letters
std::string title_filter(std::string_view text);  // Jinja's: after spaces, hyphens and opening brackets

// As Python's repr() quotes a text.
std::string quoted(std::string_view text);

}  // namespace burin::runtime::jinja
