// Writing pieces of GBNF.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/sampling/grammar/code_points.hpp"

namespace burin::runtime {

// A literal of these bytes of UTF-8, with its quotes.
std::string gbnf_literal(std::string_view text);
// A set of these, with its brackets.
std::string gbnf_set(const std::vector<CodePointRange>& ranges, bool negated = false);
// {least,most}, or the shorter form of it; -1: no bound.
std::string gbnf_times(std::int64_t least, std::int64_t most);

// A character inside of a JSON string, which is one of these, in all ways to write it but \u escapes.
std::string gbnf_json_character(const std::vector<CodePointRange>& ranges);
// The text as it stands inside of a JSON string.
std::string json_escaped(std::string_view text);

}  // namespace burin::runtime
