// A JSON schema and places in it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace burin::runtime {

// Keeps the order of properties.
using SchemaJson = nlohmann::ordered_json;

// Throws burin::Error for what is no JSON, or nested deeper than 64.
SchemaJson parse_schema(std::string_view text);

// One schema inside of a document, which must outlive it.
struct SchemaPlace {
  const SchemaJson& schema;
  std::string pointer;  // "/properties/name"; "" is all

  SchemaPlace at(std::string_view keyword) const;
  SchemaPlace at(std::string_view keyword, std::size_t index) const;
  SchemaPlace at(std::string_view keyword, std::string_view name) const;
  bool has(std::string_view keyword) const { return schema.is_object() && schema.contains(keyword); }
  std::string subject() const;  // of messages

  // Null where the keyword is not there. Throws burin::Error with the pointer where it is of another kind.
  const SchemaJson* array(std::string_view keyword) const;
  const SchemaJson* object(std::string_view keyword) const;
  std::optional<std::string> text(std::string_view keyword) const;
  std::optional<std::int64_t> integer(std::string_view keyword) const;
  std::optional<std::int64_t> count(std::string_view keyword) const;  // 0 to kMostRepetitions

  // Throws where it has keywords that are neither these nor annotations.
  void check_keywords(std::initializer_list<std::string_view> supported) const;
};

// "/a~1b" is the member "a/b".
std::string pointer_token(std::string_view name);

}  // namespace burin::runtime
