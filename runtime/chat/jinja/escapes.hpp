// Escapes in quoted texts, as Python reads them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace burin::runtime::jinja {

// \n, \t, \\, \', \x41, \u00e9, \U0001f642, \101, ...; an escape Python does not know stays as it is written.
// None where one is incomplete, no character, or \N{NAME}, which is not supported.
std::optional<std::string> resolve_escapes(std::string_view text);

}  // namespace burin::runtime::jinja
