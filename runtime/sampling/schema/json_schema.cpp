#include "runtime/sampling/schema/json_schema.hpp"

#include "runtime/sampling/schema/schema_writer.hpp"

namespace burin::runtime {

std::string grammar_of_json_schema(std::string_view schema) {
  return SchemaWriter(parse_schema(schema)).grammar();
}

}  // namespace burin::runtime
