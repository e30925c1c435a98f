// JSON from files that may be hostile.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace burin::runtime {

// Parses an object; throws burin::Error naming the file and where it goes wrong: syntax, nesting deeper than
// 64, a key twice in one object, text that is not UTF-8, or a value that is no object.
nlohmann::json parse_json_object(const std::string& path, std::string_view text);

}  // namespace burin::runtime
