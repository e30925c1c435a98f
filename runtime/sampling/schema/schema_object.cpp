#include <algorithm>
#include <map>

#include "jit/error.hpp"
#include "runtime/sampling/schema/gbnf_text.hpp"
#include "runtime/sampling/schema/schema_writer.hpp"

namespace burin::runtime {
namespace {

// Names as a tree of their characters.
struct NameTree {
  std::map<std::uint32_t, NameTree> next;
  bool is_end = false;

  void add(std::string_view name) {
    NameTree* node = this;
    Utf8Prefix prefix;
    for (const char c : name)
      if (prefix.push(static_cast<unsigned char>(c)) == Utf8Prefix::Step::complete)
        node = &node->next[prefix.code_point()];
    node->is_end = true;
  }
};

bool is_false(const SchemaJson& schema) { return schema.is_boolean() && !schema.get<bool>(); }

constexpr std::size_t kLongestName = 90;  // that additional ones have to differ from
// Characters of names without escapes.
const std::vector<CodePointRange> kNotPlain = {{0, 0x1f}, {'"', '"'}, {'\\', '\\'}, {0x7f, 0x7f}};

// The rest of a name that is in none of the tree's: all but its names.
std::string other_than(const NameTree& tree) {
  std::vector<CodePointRange> taken = kNotPlain;
  std::string text;
  for (const auto& [character, next] : tree.next) {
    taken.push_back({character, character});
    text += gbnf_set({{character, character}}) + " (" + other_than(next) + ") | ";
  }
  text += gbnf_set(taken, true) + " " + gbnf_set(kNotPlain, true) + "*";
  return tree.is_end ? text : text + " |";
}

}  // namespace

std::vector<std::string> SchemaWriter::required_names(const SchemaPlace& place) const {
  std::vector<std::string> names;
  if (!place.has("required")) return names;
  const SchemaJson& required = place.schema.at("required");
  const bool are_texts =
      required.is_array() &&
      std::all_of(required.begin(), required.end(), [](const auto& name) { return name.is_string(); });
  if (!are_texts) fail("{}: must be a list of texts", place.at("required").subject());
  for (const SchemaJson& name : required) names.push_back(name.get<std::string>());
  const SchemaJson* properties = place.object("properties");
  for (const std::string& name : names)
    if (properties == nullptr || !properties->contains(name))
      fail("{}: required names {}, which is not among its properties: add it", place.subject(),
           printable(name));
  return names;
}

// Members in order, each rule being what may come from one of them on: as the first member, or behind a comma.
std::string SchemaWriter::object(const SchemaPlace& place) {
  if (place.has("type") && place.schema.at("type").is_string())
    place.check_keywords({"type", "properties", "required", "additionalProperties"});
  const std::vector<std::string> required = required_names(place);
  const SchemaJson* properties = place.object("properties");
  const bool has_some = properties != nullptr && !properties->empty();
  if (!has_some && !place.has("additionalProperties")) return use("object");
  use("ws");

  const std::string other = additional_member(place);
  std::string more = other.empty() ? "" : "(\",\" ws " + other + " ws)*";
  std::string first = other.empty() ? "" : "(" + other + " ws " + more + ")?";
  std::vector<std::string> names;
  if (has_some)
    for (const auto& [name, schema] : properties->items()) names.push_back(name);
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    const std::string value = add_rule(*name, expression(place.at("properties", *name)));
    const std::string member = gbnf_literal("\"" + json_escaped(*name) + "\"") + " \":\" ws " + value + " ws";
    const bool must = std::find(required.begin(), required.end(), *name) != required.end();
    const std::string with_member = more.empty() ? member : member + " " + more;
    first = add_rule("first", must ? with_member : "(" + with_member + ") | (" + first + ")");
    const std::string behind = "\",\" ws " + member;
    more = add_rule("more", (must ? behind : "(" + behind + ")?") + (more.empty() ? "" : " " + more));
  }
  return R"("{" ws )" + first + (first.empty() ? "" : " ") + R"("}")";
}

// Empty where there is none.
std::string SchemaWriter::additional_member(const SchemaPlace& place) {
  if (!place.has("additionalProperties") || is_false(place.schema.at("additionalProperties"))) return "";
  const std::string value = add_rule("value", expression(place.at("additionalProperties")));
  return add_rule("member", other_names(place) + " \":\" ws " + value);
}

std::string SchemaWriter::other_names(const SchemaPlace& place) {
  const SchemaJson* properties = place.object("properties");
  if (properties == nullptr || properties->empty()) return use("string");
  NameTree tree;
  for (const auto& [name, schema] : properties->items()) {
    if (name.size() > kLongestName)
      fail("{}: additional properties beside a name of more than {} bytes are not supported", place.subject(),
           kLongestName);
    tree.add(name);
  }
  return add_rule("name", R"("\"" ()" + other_than(tree) + R"() "\"")");
}

}  // namespace burin::runtime
