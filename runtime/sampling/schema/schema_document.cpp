#include "runtime/sampling/schema/schema_document.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "jit/error.hpp"
#include "runtime/sampling/grammar/grammar.hpp"

namespace burin::runtime {
namespace {

constexpr int kDeepest = 64;

// They say nothing about which texts are valid.
constexpr std::array<std::string_view, 14> kAnnotations = {
    "$schema",  "$id",   "id",          "$comment",   "title",    "description", "default",
    "examples", "$defs", "definitions", "deprecated", "readOnly", "writeOnly",   "contentMediaType"};

bool contains(const auto& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

}  // namespace

SchemaJson parse_schema(std::string_view text) {
  if (text.size() > kMostGrammarBytes)
    fail("json_schema: {} bytes are too many: give up to {}", text.size(), kMostGrammarBytes);
  const auto watch = [](int depth, SchemaJson::parse_event_t, SchemaJson&) {
    if (depth > kDeepest) fail("json_schema: it is nested deeper than {}: use $ref", kDeepest);
    return true;
  };
  try {
    return SchemaJson::parse(text, watch);
  } catch (const SchemaJson::parse_error& error) {
    fail("json_schema: it is no JSON: something is wrong at byte {}", error.byte);
  } catch (const SchemaJson::exception& error) {
    fail("json_schema: it is no JSON: {}", printable(error.what()));
  }
}

std::string pointer_token(std::string_view name) {
  std::string token;
  for (const char c : name) {
    if (c == '~')
      token += "~0";
    else if (c == '/')
      token += "~1";
    else
      token += c;
  }
  return token;
}

SchemaPlace SchemaPlace::at(std::string_view keyword) const {
  return {schema.at(std::string(keyword)), pointer + "/" + pointer_token(keyword)};
}
SchemaPlace SchemaPlace::at(std::string_view keyword, std::size_t index) const {
  const SchemaPlace list = at(keyword);
  return {list.schema.at(index), list.pointer + "/" + std::to_string(index)};
}
SchemaPlace SchemaPlace::at(std::string_view keyword, std::string_view name) const {
  return at(keyword).at(name);
}

std::string SchemaPlace::subject() const {
  return "json_schema: " + (pointer.empty() ? "#" : printable("#" + pointer, 200));
}

const SchemaJson* SchemaPlace::array(std::string_view keyword) const {
  if (!has(keyword)) return nullptr;
  const SchemaJson& value = at(keyword).schema;
  if (!value.is_array() || value.empty()) fail("{}: must be a list that is not empty", at(keyword).subject());
  return &value;
}

const SchemaJson* SchemaPlace::object(std::string_view keyword) const {
  if (!has(keyword)) return nullptr;
  const SchemaJson& value = at(keyword).schema;
  if (!value.is_object()) fail("{}: must be an object", at(keyword).subject());
  return &value;
}

std::optional<std::string> SchemaPlace::text(std::string_view keyword) const {
  if (!has(keyword)) return std::nullopt;
  const SchemaJson& value = at(keyword).schema;
  if (!value.is_string()) fail("{}: must be a text", at(keyword).subject());
  return value.get<std::string>();
}

// 5.0 is an integer too.
std::optional<std::int64_t> SchemaPlace::integer(std::string_view keyword) const {
  constexpr double kFar = 9e18;
  if (!has(keyword)) return std::nullopt;
  const SchemaJson& value = at(keyword).schema;
  const bool fits = value.is_number() && std::abs(value.get<double>()) < kFar &&
                    (value.is_number_integer() || value.get<double>() == std::floor(value.get<double>()));
  if (!fits) fail("{}: must be an integer of up to 18 digits", at(keyword).subject());
  return value.is_number_float() ? static_cast<std::int64_t>(value.get<double>()) : value.get<std::int64_t>();
}

std::optional<std::int64_t> SchemaPlace::count(std::string_view keyword) const {
  const std::optional<std::int64_t> value = integer(keyword);
  if (value && (*value < 0 || *value > kMostRepetitions))
    fail("{}: {} is out of range: give 0 to {}", at(keyword).subject(), *value, kMostRepetitions);
  return value;
}

void SchemaPlace::check_keywords(std::initializer_list<std::string_view> supported) const {
  for (const auto& [keyword, value] : schema.items())
    if (!contains(supported, keyword) && !contains(kAnnotations, keyword) && !keyword.starts_with("x-"))
      fail("{}: keyword {} is not supported here: see docs/SAMPLING.md for those that are", subject(),
           printable(keyword));
}

}  // namespace burin::runtime
