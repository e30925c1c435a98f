// Texts that are JSON as a schema has it.
#pragma once

#include <string>
#include <string_view>

namespace burin::runtime {

// The grammar, in GBNF, of the JSON texts that a schema (https://json-schema.org, drafts 7 and 2020-12) allows.
//
// Supported: true, {} (any JSON); type (one or several), enum, const, anyOf, oneOf (as anyOf), allOf of one; $ref
// inside of the document, recursion too; properties, required, additionalProperties; items, prefixItems, minItems,
// maxItems; minLength, maxLength, pattern (pattern.hpp), format (date, time, date-time, uuid, ipv4, email);
// minimum, maximum, exclusiveMinimum, exclusiveMaximum of integers. Annotations such as title, description and
// default say nothing.
//
// Where a schema leaves a choice, the text is narrower than it:
// - Properties come in the schema's order, then additional ones. Those are there only where additionalProperties is
//   given, or no property is named; beside named ones, their names are written without escapes.
// - What prefixItems names is there, and more only with items.
// - Without a type, it is the one that the keywords are about.
// - Numbers have up to 16 digits, and exponents of two. Strings have no \u escapes of surrogates.
// - Between tokens of JSON there may be a space, or a line end and up to 20 spaces.
//
// Throws burin::Error, "json_schema: POINTER: what is wrong", for what is not supported or no schema.
std::string grammar_of_json_schema(std::string_view schema);

}  // namespace burin::runtime
