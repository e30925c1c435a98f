#include "jit/error.hpp"
#include "runtime/sampling/schema/gbnf_text.hpp"
#include "runtime/sampling/schema/schema_writer.hpp"

namespace burin::runtime {

std::string SchemaWriter::array(const SchemaPlace& place) {
  if (place.has("type") && place.schema.at("type").is_string())
    place.check_keywords({"type", "items", "prefixItems", "minItems", "maxItems"});
  if (place.has("prefixItems")) return tuple(place, "prefixItems");
  if (place.has("items") && place.schema.at("items").is_array()) return tuple(place, "items");
  const std::int64_t least = place.count("minItems").value_or(0);
  const std::int64_t most = place.count("maxItems").value_or(-1);
  if (most >= 0 && most < least) fail("{}: maxItems is below minItems", place.subject());
  use("ws");
  const std::string item = place.has("items") ? add_rule("item", expression(place.at("items"))) : use("any");
  return R"("[" ws )" + list(item + " ws", least, most) + R"( "]")";
}

// Items with commas between them; -1: no bound.
std::string SchemaWriter::list(const std::string& item, std::int64_t least, std::int64_t most) {
  if (most == 0) return "";
  const std::string others =
      "(\",\" ws " + item + ")" + gbnf_times(std::max<std::int64_t>(least - 1, 0), most < 0 ? -1 : most - 1);
  const std::string text = item + (most == 1 ? "" : " " + others);
  return least == 0 ? "(" + text + ")?" : text;
}

// All that is named is there; more where `items` says of what.
std::string SchemaWriter::tuple(const SchemaPlace& place, std::string_view keyword) {
  use("ws");
  const auto count = static_cast<std::int64_t>(place.array(keyword)->size());
  std::string text;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i)
    text += (i == 0 ? "" : "\",\" ws ") + add_rule("item", expression(place.at(keyword, i))) + " ws ";
  const bool more = keyword == "prefixItems" && place.has("items") &&
                    !(place.schema.at("items").is_boolean() && !place.schema.at("items").get<bool>());
  const std::int64_t least = place.count("minItems").value_or(0);
  const std::int64_t most = place.count("maxItems").value_or(-1);
  if ((most >= 0 && most < count) || (most >= 0 && most < least) || (!more && least > count))
    fail("{}: minItems or maxItems do not fit the {} items of {}", place.subject(), count, keyword);
  if (more)
    text += "(\",\" ws " + add_rule("item", expression(place.at("items"))) + " ws)" +
            gbnf_times(std::max<std::int64_t>(least - count, 0), most < 0 ? -1 : most - count) + " ";
  return R"("[" ws )" + text + R"("]")";
}

}  // namespace burin::runtime
