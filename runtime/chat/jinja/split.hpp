// Cutting and replacing in texts, as Python's str does.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/chat/jinja/limits.hpp"

namespace burin::runtime::jinja {

// At most `most` cuts (any number where negative), counted from the right where so asked.
std::vector<std::string_view> split_at(std::string_view text, std::string_view separator, std::int64_t most,
                                       bool from_right);
// At runs of white space; none at the ends.
std::vector<std::string_view> split_at_spaces(std::string_view text, std::int64_t most, bool from_right);
std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends);
// The first `most` places (all where negative); an empty `old` stands between all characters.
std::string replace(std::string_view text, std::string_view old, std::string_view with, std::int64_t most,
                    Budget& budget);

}  // namespace burin::runtime::jinja
