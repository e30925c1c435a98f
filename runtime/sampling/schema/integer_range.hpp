#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace burin::runtime {

// GBNF of the decimal integers from least to most, without leading zeros; nothing: no bound, but 16 digits. Empty
// where there is none.
std::string gbnf_integers(std::optional<std::int64_t> least, std::optional<std::int64_t> most);

}  // namespace burin::runtime
