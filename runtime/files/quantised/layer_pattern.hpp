// Regular expressions that settings name layers by.
#pragma once

#include <string>
#include <string_view>

namespace burin::runtime::quantised {

// Whether `pattern` matches at the beginning of the layer's name, as Python's re.match has it. Throws burin::Error,
// beginning with `where`, for a pattern that is wrong, or takes too many steps.
bool matches_beginning(const std::string& pattern, std::string_view layer, const std::string& where);

}  // namespace burin::runtime::quantised
