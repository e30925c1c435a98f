#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/sampling/schema/schema_document.hpp"

namespace burin::runtime {

// Writes the rules of a grammar for a JSON schema; see json_schema.hpp. Functions give the expression that texts of a
// schema match, rules they need being written beside. Throws burin::Error.
class SchemaWriter {
 public:
  explicit SchemaWriter(SchemaJson document) : document_(std::move(document)) {}
  std::string grammar();

 private:
  std::string expression(const SchemaPlace& place);
  std::string of_type(const SchemaPlace& place, std::string_view type);
  std::string any_of(const SchemaPlace& place, std::string_view keyword);
  std::string values(const SchemaPlace& place);
  std::string reference(const SchemaPlace& place);
  std::string string(const SchemaPlace& place);
  std::string integer(const SchemaPlace& place);

  // schema_array.cpp
  std::string array(const SchemaPlace& place);
  std::string list(const std::string& item, std::int64_t least, std::int64_t most);
  std::string tuple(const SchemaPlace& place, std::string_view keyword);

  // schema_object.cpp
  std::string object(const SchemaPlace& place);
  std::string additional_member(const SchemaPlace& place);
  std::string other_names(const SchemaPlace& place);
  std::vector<std::string> required_names(const SchemaPlace& place) const;

  std::string use(std::string_view common);  // a rule that is always the same
  // A rule of its own, whose name begins with this; gives the name.
  std::string add_rule(std::string_view name, const std::string& expression);
  std::string new_name(std::string_view name);

  const SchemaJson document_;
  std::map<std::string, std::string> rules_;       // by name
  std::map<std::string, std::string> references_;  // by pointer: the rule
  std::size_t last_number_ = 0;
};

}  // namespace burin::runtime
