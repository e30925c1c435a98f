// Values as text: Python's str() and repr(), and JSON as json.dumps() writes it.
#pragma once

#include <optional>
#include <string>

#include "runtime/chat/jinja/value.hpp"

namespace burin::runtime::jinja {

// Shortest text that reads back as the same number: 1.0, 1e+16, nan.
std::string float_text(double number);

// str(): texts as they are, nothing for undefined values. Throws burin::Error for values whose text in Python
// would say where in memory they are (functions, generators).
std::string to_text(const Value& value, Budget& budget);

struct JsonStyle {
  bool ascii = false;
  bool sort_keys = false;
  std::optional<std::string> indent;  // once per level, on lines of their own
  std::string between = ", ";         // items
  std::string after_key = ": ";
};
// Throws burin::Error for what JSON cannot say.
std::string to_json(const Value& value, const JsonStyle& style, Budget& budget);

}  // namespace burin::runtime::jinja
