#include "runtime/sampling/schema/schema_writer.hpp"

#include <algorithm>
#include <set>

#include "jit/error.hpp"
#include "runtime/sampling/schema/gbnf_text.hpp"
#include "runtime/sampling/schema/integer_range.hpp"
#include "runtime/sampling/schema/pattern.hpp"

namespace burin::runtime {
namespace {

// Surrogates are left out of \u escapes, as half of a pair is no character.
const std::map<std::string, std::string, std::less<>> kCommonRules = {
    {"ws", R"(| " " | "\n" [ \t]{0,20})"},
    {"char",
     R"([^"\\\x00-\x1F\x7F] | "\\" (["\\/bfnrt] | "u" ([0-9a-cA-CefEF] [0-9a-fA-F]{3} | [dD] [0-7] [0-9a-fA-F]{2})))"},
    {"string", R"("\"" char* "\"")"},
    {"integer", R"("-"? ("0" | [1-9] [0-9]{0,15}))"},
    {"number", R"(integer ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?)"},
    {"boolean", R"("true" | "false")"},
    {"null", R"("null")"},
    {"array", R"("[" ws (any ws ("," ws any ws)*)? "]")"},
    {"object", R"("{" ws (member ws ("," ws member ws)*)? "}")"},
    {"member", R"(string ":" ws any)"},
    {"any", R"(object | array | string | number | boolean | null)"},
};
// Those that each of them uses.
const std::map<std::string, std::vector<std::string>, std::less<>> kUses = {
    {"string", {"char"}},
    {"number", {"integer"}},
    {"array", {"ws", "any"}},
    {"object", {"ws", "member"}},
    {"member", {"string", "ws", "any"}},
    {"any", {"object", "array", "string", "number", "boolean", "null"}}};

const std::map<std::string, std::string, std::less<>> kFormats = {
    {"date", R"([0-9]{4} "-" ("0" [1-9] | "1" [0-2]) "-" ("0" [1-9] | [12] [0-9] | "3" [01]))"},
    {"time",
     R"(([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] ("." [0-9]{1,9})? ("Z" | [-+] ([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9]))"},
    {"uuid", R"([0-9a-fA-F]{8} ("-" [0-9a-fA-F]{4}){3} "-" [0-9a-fA-F]{12})"},
    {"ipv4", R"(octet ("." octet){3})"},
    {"octet", R"("25" [0-5] | "2" [0-4] [0-9] | "1" [0-9]{2} | [1-9]? [0-9])"},
    {"email", R"([a-zA-Z0-9_%+-]+ ("." [a-zA-Z0-9_%+-]+)* "@" [a-zA-Z0-9-]+ ("." [a-zA-Z0-9-]+)+)"},
};

// The type that a schema without one is about; empty: any.
std::string_view implied_type(const SchemaPlace& place) {
  const auto has_any = [&](std::initializer_list<std::string_view> keywords) {
    return std::any_of(keywords.begin(), keywords.end(), [&](auto keyword) { return place.has(keyword); });
  };
  if (has_any({"properties", "required", "additionalProperties"})) return "object";
  if (has_any({"items", "prefixItems", "minItems", "maxItems"})) return "array";
  if (has_any({"pattern", "format", "minLength", "maxLength"})) return "string";
  return "";
}

// A pointer in a URI: "%20" is a space.
std::string decoded(std::string_view fragment, const std::string& subject) {
  std::string text;
  for (std::size_t i = 0; i < fragment.size(); ++i) {
    if (fragment[i] != '%') {
      text += fragment[i];
      continue;
    }
    const std::string digits(fragment.substr(i + 1, 2));
    if (digits.size() != 2 || digits.find_first_not_of("0123456789abcdefABCDEF") != digits.npos)
      fail("{}: $ref has a % without two hexadecimal digits", subject);
    text += static_cast<char>(std::stoi(digits, nullptr, 16));
    i += 2;
  }
  return text;
}

}  // namespace

std::string SchemaWriter::grammar() {
  references_[""] = "root";
  rules_["root"] = "";
  rules_["root"] = expression({document_, ""});
  std::string text = "root ::= " + rules_["root"] + "\n";
  for (const auto& [name, rule] : rules_)
    if (name != "root") text += name + " ::= " + rule + "\n";
  return text;
}

std::string SchemaWriter::use(std::string_view common) {
  const std::string name(common);
  if (!rules_.emplace(name, kCommonRules.find(name)->second).second) return name;
  if (const auto uses = kUses.find(name); uses != kUses.end())
    for (const std::string& other : uses->second) use(other);
  return name;
}

// Names of rules have letters, digits and -.
std::string SchemaWriter::new_name(std::string_view name) {
  constexpr std::size_t kLongest = 24;
  std::string clean;
  for (const char c : name.substr(0, kLongest)) {
    const bool stays = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    clean += stays ? c : '-';
  }
  return clean + "-" + std::to_string(++last_number_);
}

std::string SchemaWriter::add_rule(std::string_view name, const std::string& expression) {
  const std::string full = new_name(name);
  rules_[full] = expression;
  return full;
}

std::string SchemaWriter::expression(const SchemaPlace& place) {
  const SchemaJson& schema = place.schema;
  if (schema.is_boolean() && schema.get<bool>()) return use("any");
  if (!schema.is_object()) fail("{}: must be a schema, which is an object or true", place.subject());
  if (place.has("$ref")) return reference(place);
  if (place.has("const") || place.has("enum")) return values(place);
  for (const char* keyword : {"anyOf", "oneOf", "allOf"})
    if (place.has(keyword)) return any_of(place, keyword);
  if (!place.has("type")) return of_type(place, implied_type(place));
  const SchemaJson& type = schema.at("type");
  if (type.is_string()) return of_type(place, type.get_ref<const std::string&>());
  place.check_keywords({"type", "properties", "required", "additionalProperties", "items", "prefixItems",
                        "minItems", "maxItems", "pattern", "format", "minLength", "maxLength", "minimum",
                        "maximum", "exclusiveMinimum", "exclusiveMaximum"});
  std::string text;
  for (const SchemaJson& one : *place.array("type")) {
    if (!one.is_string()) fail("{}: must be texts", place.at("type").subject());
    text += (text.empty() ? "" : " | ") + of_type(place, one.get_ref<const std::string&>());
  }
  return "(" + text + ")";
}

std::string SchemaWriter::of_type(const SchemaPlace& place, std::string_view type) {
  const bool alone = !place.has("type") || place.schema.at("type").is_string();
  if (type == "object") return object(place);
  if (type == "array") return array(place);
  if (type == "string") return string(place);
  if (type == "integer") return integer(place);
  if (!type.empty() && type != "number" && type != "boolean" && type != "null")
    fail("{}: {} is no type: give object, array, string, integer, number, boolean, null", place.subject(),
         printable(type));
  if (alone) place.check_keywords({"type"});
  return use(type.empty() ? "any" : type);
}

std::string SchemaWriter::any_of(const SchemaPlace& place, std::string_view keyword) {
  place.check_keywords({keyword});
  const std::size_t count = place.array(keyword)->size();
  if (keyword == "allOf" && count > 1)
    fail("{}: allOf of {} schemas is not supported: write one schema that says it all", place.subject(),
         count);
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += (i == 0 ? "" : " | ") + expression(place.at(keyword, i));
  return "(" + text + ")";
}

// A type beside them is taken at its word.
std::string SchemaWriter::values(const SchemaPlace& place) {
  place.check_keywords({"const", "enum", "type"});
  if (place.has("const") && place.has("enum"))
    fail("{}: const beside enum is not supported: give one of them", place.subject());
  const auto literal = [](const SchemaJson& value) { return gbnf_literal(value.dump()); };
  if (place.has("const")) return literal(place.schema.at("const"));
  std::string text;
  for (const SchemaJson& value : *place.array("enum")) text += (text.empty() ? "" : " | ") + literal(value);
  return "(" + text + ")";
}

// Each place that is referred to becomes one rule, which may refer to itself.
std::string SchemaWriter::reference(const SchemaPlace& place) {
  place.check_keywords({"$ref"});
  const std::string target = *place.text("$ref");
  if (!target.starts_with('#'))
    fail("{}: $ref {} is not in this document: only #/... is supported", place.subject(), printable(target));
  const std::string pointer = decoded(target.substr(1), place.subject());
  if (const auto known = references_.find(pointer); known != references_.end()) return known->second;
  const SchemaJson* found = nullptr;
  try {
    found = &document_.at(SchemaJson::json_pointer(pointer));
  } catch (const SchemaJson::exception&) {
    fail("{}: $ref {} is nowhere in this document", place.subject(), printable(target));
  }
  const std::string rule = new_name(pointer.substr(pointer.rfind('/') + 1));
  references_[pointer] = rule;
  rules_[rule] = expression({*found, pointer});
  return rule;
}

std::string SchemaWriter::string(const SchemaPlace& place) {
  if (place.has("type") && place.schema.at("type").is_string())
    place.check_keywords({"type", "pattern", "format", "minLength", "maxLength"});
  const auto quoted = [](const std::string& text) { return R"("\"" ()" + text + R"() "\"")"; };
  const int kinds = int{place.has("pattern")} + int{place.has("format")} +
                    int{place.has("minLength") || place.has("maxLength")};
  if (kinds > 1) fail("{}: only one of pattern, format and lengths is supported", place.subject());
  if (const auto pattern = place.text("pattern")) return quoted(gbnf_of_pattern(*pattern, place.subject()));
  if (const auto format = place.text("format")) {
    if (*format == "date-time") {
      rules_["date"] = kFormats.at("date");
      rules_["time"] = kFormats.at("time");
      return quoted("date \"T\" time");
    }
    const auto known = kFormats.find(*format);
    if (known == kFormats.end() || *format == "octet")
      fail("{}: format {} is not supported: give date, time, date-time, uuid, ipv4 or email", place.subject(),
           printable(*format));
    if (*format == "ipv4") rules_["octet"] = kFormats.at("octet");
    rules_[*format] = known->second;
    return quoted(*format);
  }
  if (kinds == 0) return use("string");
  const std::int64_t least = place.count("minLength").value_or(0);
  const std::int64_t most = place.count("maxLength").value_or(-1);
  if (most >= 0 && most < least) fail("{}: maxLength is below minLength", place.subject());
  return quoted(use("char") + gbnf_times(least, most));
}

std::string SchemaWriter::integer(const SchemaPlace& place) {
  if (place.has("type") && place.schema.at("type").is_string())
    place.check_keywords({"type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"});
  std::optional<std::int64_t> least = place.integer("minimum");
  std::optional<std::int64_t> most = place.integer("maximum");
  if (const auto below = place.integer("exclusiveMinimum"))
    least = std::max(least.value_or(*below + 1), *below + 1);
  if (const auto above = place.integer("exclusiveMaximum"))
    most = std::min(most.value_or(*above - 1), *above - 1);
  if (!least && !most) return use("integer");
  const std::string text = gbnf_integers(least, most);
  if (text.empty()) fail("{}: there is no integer between its bounds", place.subject());
  return "(" + text + ")";
}

}  // namespace burin::runtime
