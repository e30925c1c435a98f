// What JSON schemas let through.
#include "runtime/sampling/schema/json_schema.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "jit/error.hpp"
#include "runtime/sampling/random.hpp"
#include "runtime/sampling/schema/integer_range.hpp"
#include "tests/sampling/byte_matcher.hpp"

namespace burin::runtime {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using Texts = std::vector<std::string>;

void expect(const std::string& schema, const Texts& good, const Texts& bad) {
  const std::string grammar = grammar_of_json_schema(schema);
  GrammarMatcher follows = tests::matcher(grammar);
  for (const std::string& text : good)
    EXPECT_EQ(tests::verdict(follows, text), "whole") << schema << "\n" << grammar << text;
  for (const std::string& text : bad)
    EXPECT_NE(tests::verdict(follows, text), "whole") << schema << "\n" << grammar << text;
}

std::string refusal(const std::string& schema) {
  try {
    parse_grammar(grammar_of_json_schema(schema));
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

TEST(JsonSchema, AnyJson) {
  for (const char* schema : {"{}", "true", R"({"title": "x", "description": "y"})"})
    expect(
        schema,
        {"1", "-0.5e-3", "\"a\\n\\u00e9é\"", "[]", "{}", R"({"a": [1, {"b": null}], "c": true})", "[ 1, 2 ]"},
        {"", "01", "[1,]", "{a: 1}", "\"\n\"", "tru", "\"\\ud800\"", "nulll", "{\"a\" :1}"});
}

TEST(JsonSchema, Types) {
  expect(R"({"type": "boolean"})", {"true", "false"}, {"null", "1", "\"true\""});
  expect(R"({"type": "null"})", {"null"}, {"0"});
  expect(R"({"type": "integer"})", {"0", "-12"}, {"1.5", "007", "1e3"});
  expect(R"({"type": "number"})", {"0", "-12.25", "1e3"}, {".5", "1.", "\"1\""});
  expect(R"({"type": ["string", "null"]})", {"\"\"", "null"}, {"1"});
  expect(R"({"type": ["integer", "array"], "items": {"type": "null"}, "maximum": 3})", {"3", "[null]"},
         {"4", "[1]"});
  expect(R"({"type": "object"})", {"{}", R"({"a": {"b": 1}})"}, {"[]"});
  expect(R"({"type": "array"})", {"[]", R"(["a", []])"}, {"{}"});
}

TEST(JsonSchema, Values) {
  expect(R"({"enum": ["red", 5, null, {"a": "\""}]})", {"\"red\"", "5", "null", R"({"a":"\""})"},
         {"\"blue\"", "red"});
  expect(R"({"const": "é\n"})", {R"("é\n")"}, {"\"é\""});
  expect(R"({"type": "string", "enum": ["a"]})", {"\"a\""}, {"\"b\""});
}

TEST(JsonSchema, Choices) {
  for (const char* keyword : {"anyOf", "oneOf"})
    expect(std::string("{\"") + keyword + R"(": [{"type": "integer"}, {"const": "x"}]})", {"7", "\"x\""},
           {"\"y\""});
  expect(R"({"allOf": [{"type": "integer"}]})", {"7"}, {"\"x\""});
}

TEST(JsonSchema, Strings) {
  expect(R"({"type": "string", "minLength": 2, "maxLength": 3})", {R"("ab")", R"("é\né")", R"("\u00e9ab")"},
         {R"("a")", R"("abcd")", R"("")"});
  expect(R"({"minLength": 1})", {R"("a")"}, {R"("")", "1"});
  expect(R"({"format": "date"})", {R"("2024-02-29")"}, {R"("2024-13-01")", R"("24-01-01")"});
  expect(R"({"format": "time"})", {R"("23:59:59Z")", R"("23:59:59.5+01:00")"},
         {R"("24:00:00Z")", R"("23:59:59")"});
  expect(R"({"format": "date-time"})", {R"("2024-01-01T00:00:00Z")"}, {R"("2024-01-01")"});
  expect(R"({"format": "uuid"})", {R"("123e4567-e89b-12d3-a456-426614174000")"}, {R"("123e4567")"});
  expect(R"({"format": "ipv4"})", {R"("127.0.0.1")", R"("255.249.99.0")"},
         {R"("256.0.0.1")", R"("1.2.3")", R"("01.2.3.4")"});
  expect(R"({"format": "email"})", {R"("a.b@c.de")"}, {R"("a@b")", R"("@b.de")"});
}

TEST(JsonSchema, Patterns) {
  const auto pattern = [](const std::string& text, const Texts& good, const Texts& bad) {
    Texts quoted[2];
    for (const std::string& value : good) quoted[0].push_back(json(value).dump());
    for (const std::string& value : bad) quoted[1].push_back(json(value).dump());
    expect(json{{"type", "string"}, {"pattern", text}}.dump(), quoted[0], quoted[1]);
  };
  pattern("^[a-c]+$", {"a", "abc"}, {"", "abd"});
  pattern("b+", {"b", "abba", "\n\"b\""}, {"", "a"});
  pattern("^b", {"b", "bx"}, {"ab"});
  pattern("b$", {"b", "xb"}, {"bx"});
  pattern("^(ab|c)*?d{2,3}$", {"dd", "abcddd"}, {"d", "dddd", "add"});
  pattern(R"(^\d{3}-\w\.\s$)", {"123-a. ", "123-_.\t"}, {"123-ab ", "12-a. ", "123-a.x"});
  pattern(R"(^[^\d"]\D\W\S$)", {"ab.c", "\\b-\""}, {"1b.c", "\"b.c", "abbc", "ab. "});
  pattern(R"(^\u00e9\x41[\]\-\\\n]$)", {"éA]", "éA-", "éA\\", "éA\n"}, {"éAn"});
  pattern("^(?:a|b)(?<name>c)?$", {"a", "bc"}, {"c"});
  pattern("^.$", {"x", "\"", "é", "\t"}, {"\n", "xx"});
  pattern("^$", {""}, {"a"});
  pattern("a|b", {"xa", "b"}, {"c"});
  for (const auto& [text, says] :
       std::vector<std::pair<std::string, std::string>>{{"(?=a)", "look-around"},
                                                        {"a\\b", "\\b"},
                                                        {"(a)\\1", "\\1"},
                                                        {"^a|b$", "an anchor beside |"},
                                                        {"a$b", "$ before its end"},
                                                        {"a^", "^ where it has no meaning"},
                                                        {"(a", "a group without its end"},
                                                        {"a)", "unmatched )"},
                                                        {"[a", "a set without its end"},
                                                        {"[b-a]", "a range that is none"},
                                                        {"a{3,2}", "less than at least"},
                                                        {"a{99999}", "0 to 65535"},
                                                        {"*a", "* where it has no meaning"},
                                                        {"\\p{L}", "\\p"},
                                                        {"\\x0g", "hexadecimal"},
                                                        {"\\", "a \\ at its end"}})
    EXPECT_THAT(refusal(json{{"pattern", text}}.dump()),
                AllOf(HasSubstr("json_schema: #: pattern"), HasSubstr(says)));
}

TEST(JsonSchema, Integers) {
  SplitMix64 random(6);
  const auto between = [&](std::int64_t least, std::int64_t most) {
    const auto width = static_cast<std::uint64_t>(most - least) + 1;
    return least + static_cast<std::int64_t>(random.next() % width);
  };
  for (int round = 0; round < 60; ++round) {
    const std::int64_t reach = round < 20 ? 12 : round < 40 ? 300 : 20'000;
    const std::int64_t least = between(-reach, reach);
    const std::int64_t most = between(least, reach);
    const bool has_least = random.next() % 4 != 0, has_most = random.next() % 4 != 0;
    const std::string grammar = "root ::= " + gbnf_integers(has_least ? std::optional(least) : std::nullopt,
                                                            has_most ? std::optional(most) : std::nullopt);
    GrammarMatcher follows = tests::matcher(grammar);
    for (int i = 0; i < 300; ++i) {
      const std::int64_t value =
          i < 6 ? (i % 2 == 0 ? least : most) + i / 2 - 1 : between(-2 * reach, 2 * reach);
      const bool fits = (!has_least || value >= least) && (!has_most || value <= most);
      EXPECT_EQ(tests::verdict(follows, std::to_string(value)) == "whole", fits)
          << value << " in " << least << ".." << most << has_least << has_most << "\n"
          << grammar;
    }
    EXPECT_NE(tests::verdict(follows, "00"), "whole");
    EXPECT_NE(tests::verdict(follows, "-0"), "whole");
  }
  expect(R"({"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 11})", {"1", "10"},
         {"0", "11", "-1"});
  expect(R"({"type": "integer", "minimum": 5.0})", {"5", "9999999999999999"}, {"4"});
  expect(R"({"type": "integer", "maximum": -7})", {"-7", "-70"}, {"-6", "0"});
}

TEST(JsonSchema, Arrays) {
  expect(R"({"items": {"type": "integer"}})", {"[]", "[1]", "[1, 2,3 ]"}, {"[a]", "[1 2]"});
  expect(R"({"type": "array", "minItems": 1, "maxItems": 2})", {"[1]", "[1,[]]"}, {"[]", "[1,2,3]"});
  expect(R"({"type": "array", "minItems": 2})", {"[1,2]", "[1,2,3]"}, {"[1]"});
  expect(R"({"type": "array", "maxItems": 0})", {"[]", "[ ]"}, {"[1]"});
  expect(R"({"type": "array", "maxItems": 1})", {"[]", "[1]"}, {"[1,1]"});
  expect(R"({"prefixItems": [{"type": "null"}, {"const": 1}]})", {"[null, 1]"}, {"[null]", "[null,1,2]"});
  expect(R"({"items": [{"type": "null"}]})", {"[null]"}, {"[]", "[null,null]"});
  expect(R"({"prefixItems": [{"type": "null"}], "items": {"const": 2}, "minItems": 2, "maxItems": 3})",
         {"[null,2]", "[null,2, 2]"}, {"[null]", "[null,2,2,2]"});
}

TEST(JsonSchema, Objects) {
  const std::string schema =
      R"({"type": "object", "properties": {"b": {"type": "integer"}, "a \"": {"type": "null"},
    "c": {"const": 1}, "d": {"const": 2}}, "required": ["b", "d"]})";
  expect(schema,
         {R"({"b":1,"d":2})", R"({"b": 1, "a \"": null, "c": 1, "d": 2})", "{\n  \"b\": 1,\n  \"d\": 2\n}"},
         {"{}", R"({"b":1})", R"({"d":2,"b":1})", R"({"b":1,"d":2,"e":3})", R"({"b":1,,"d":2})"});
  expect(R"({"properties": {"a": {"const": 1}, "b": {"const": 2}}})",
         {"{}", R"({"a":1})", R"({"b":2})", R"({"a":1,"b":2})"},
         {R"({"a":1,})", R"({,"b":2})", R"({"b":2,"a":1})"});
  expect(R"({"properties": {"a": {"const": 1}}, "required": ["a"], "additionalProperties": false})",
         {R"({"a":1})"}, {"{}"});
  expect(R"({"additionalProperties": {"const": 1}})", {"{}", R"({"x":1})", R"({"x":1, "\n":1})"},
         {R"({"x":2})"});
  expect(R"({"additionalProperties": false})", {"{}", "{ }"}, {R"({"x":2})"});
}

TEST(JsonSchema, AdditionalNamesAreOthers) {
  expect(
      R"({"properties": {"ab": {"const": 1}, "ac": {"const": 2}, "é": {"const": 3}}, "additionalProperties": {"const": 0}})",
      {"{}", R"({"ab":1})", R"({"ab":1,"x":0})", R"({"a":0})", R"({"abc":0})", R"({"":0,"b":0})",
       R"({"é":3,"éé":0})"},
      {R"({"ab":0})", R"({"ac":0})", R"({"x":0,"ab":0})", R"({"é":0})", R"({"\u0061b":0})"});
}

TEST(JsonSchema, References) {
  expect(R"({"$ref": "#/$defs/tree", "$defs": {"tree": {"type": "object", "properties": {
           "value": {"type": "integer"}, "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}}},
           "required": ["value"]}}})",
         {R"({"value":1})", R"({"value":1,"children":[{"value":2,"children":[]}]})"}, {R"({"children":[]})"});
  expect(R"({"type": "array", "items": {"$ref": "#"}})", {"[]", "[[],[[]]]"}, {"[1]"});
  expect(R"({"anyOf": [{"$ref": "#/definitions/a~1b%20c"}], "definitions": {"a/b c": {"const": 4}}})", {"4"},
         {"5"});
}

TEST(JsonSchema, WhatIsNotSupportedIsRefusedWithItsPointer) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "json_schema: it is no JSON: something is wrong at byte"},
      {"{\"a\": ", "it is no JSON"},
      {"\"\xff\"", "it is no JSON"},
      {"5", "json_schema: #: must be a schema"},
      {"false", "json_schema: #: must be a schema"},
      {R"({"properties": {"a/b": {"not": {}}}})",
       "json_schema: #/properties/a~1b: keyword not is not supported"},
      {R"({"type": "array", "items": {"type": "text"}})", "json_schema: #/items: text is no type"},
      {R"({"type": "number", "minimum": 3})", "#: keyword minimum is not supported here"},
      {R"({"type": "array", "uniqueItems": true})", "keyword uniqueItems"},
      {R"({"type": ["array", "null"], "contains": {}})", "keyword contains"},
      {R"({"anyOf": [{}], "type": "null"})", "keyword type"},
      {R"({"allOf": [{}, {}]})", "allOf of 2 schemas"},
      {R"({"anyOf": []})", "#/anyOf: must be a list that is not empty"},
      {R"({"enum": 5})", "#/enum: must be a list"},
      {R"({"properties": []})", "#/properties: must be an object"},
      {R"({"properties": {}, "required": ["a"]})", "required names a, which"},
      {R"({"properties": {}, "required": [5]})", "#/required: must be a list of texts"},
      {R"({"$ref": "http://x"})", "$ref http://x is not in this document"},
      {R"({"$ref": "#/nowhere"})", "$ref #/nowhere is nowhere"},
      {R"({"$ref": "#nowhere"})", "$ref #nowhere is nowhere"},
      {R"({"$ref": "#/%4"})", "without two hexadecimal digits"},
      {R"({"$ref": 5})", "#/$ref: must be a text"},
      {R"({"$ref": "#"})", "left recursive"},
      {R"({"anyOf": [{"$ref": "#"}, {}]})", "left recursive"},
      {R"({"format": "uri"})", "format uri is not supported"},
      {R"({"format": "octet"})", "format octet is not supported"},
      {R"({"pattern": "a", "minLength": 3})", "only one of pattern, format and lengths"},
      {R"({"minLength": 3, "maxLength": 2})", "maxLength is below minLength"},
      {R"({"minLength": 65536})", "#/minLength: 65536 is out of range"},
      {R"({"minLength": -1})", "#/minLength: -1 is out of range"},
      {R"({"minLength": 1.5})", "#/minLength: must be an integer"},
      {R"({"type": "integer", "minimum": 1e300})", "#/minimum: must be an integer"},
      {R"({"type": "integer", "minimum": 5, "maximum": 4})", "no integer between its bounds"},
      {R"({"minItems": 3, "maxItems": 2})", "maxItems is below minItems"},
      {R"({"prefixItems": [{}], "minItems": 3})", "do not fit the 1 items of prefixItems"},
      {std::string(70, '[') + std::string(70, ']'), "nested deeper than 64"}};
  for (const auto& [schema, says] : cases) EXPECT_THAT(refusal(schema), HasSubstr(says)) << schema;
}

// Random texts that follow a schema's grammar are JSON, whatever was picked.
TEST(JsonSchema, WhatFollowsItIsJson) {
  GrammarMatcher follows = tests::matcher(grammar_of_json_schema(
      R"({"type": "object", "properties": {"name": {"type": "string", "maxLength": 9}, "tags": {"items": {"enum": ["a", "b"]},
          "maxItems": 4}, "more": {"additionalProperties": {"type": "number"}}}, "required": ["tags"]})"));
  SplitMix64 random(8);
  int whole = 0;
  for (int round = 0; round < 200; ++round) {
    follows.restart();
    std::string text;
    std::vector<std::uint8_t> allowed(tests::tokenizer().vocabulary_size());
    while (text.size() < 400 && !follows.must_end()) {
      follows.mark_allowed(allowed);
      std::vector<TokenId> next;
      for (TokenId token = 0; token < static_cast<TokenId>(allowed.size()); ++token)
        if (allowed[static_cast<std::size_t>(token)] == 1 && token != tests::kEnd) next.push_back(token);
      const TokenId token = next[random.next() % next.size()];
      text += tests::tokenizer().token_bytes(token);
      ASSERT_TRUE(follows.accept(token));
    }
    if (!follows.must_end()) continue;
    ++whole;
    const json value = json::parse(text, nullptr, false);
    EXPECT_TRUE(value.is_object() && value.contains("tags")) << text;
  }
  EXPECT_GT(whole, 20);
}

}  // namespace
}  // namespace burin::runtime
