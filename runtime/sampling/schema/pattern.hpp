#pragma once

#include <string>
#include <string_view>

namespace burin::runtime {

// GBNF of what stands between the quotes of JSON strings that match a regular expression (ECMA 262's syntax, as JSON
// schema has it). Without ^ or $ at an end, anything may stand there.
//
// Supported: characters, escapes (\n \r \t \f \v \0 \xXX \uXXXX \d \D \w \W \s \S and punctuation), . [...] [^...] (...)
// (?:...) (?<name>...) | * + ? {m} {m,} {m,n}, lazy forms too, ^ at the beginning and $ at the end. Look-around, back
// references, \b, \p and anchors elsewhere are refused.
//
// Throws burin::Error, which begins with `subject`.
std::string gbnf_of_pattern(std::string_view pattern, const std::string& subject);

}  // namespace burin::runtime
