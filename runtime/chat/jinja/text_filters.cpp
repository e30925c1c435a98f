#include "runtime/chat/jinja/filters.hpp"
#include "runtime/chat/jinja/print.hpp"
#include "runtime/chat/jinja/split.hpp"
#include "runtime/chat/jinja/text.hpp"

namespace burin::runtime::jinja {
namespace {

template <std::string (*kChange)(std::string_view)>
Value cased(Context& context, const Value& value, const Arguments& arguments) {
  bind("the filter", arguments, {});
  const std::string text = to_text(value, context.budget());
  context.budget().make(text.size());
  context.budget().spend(text.size() / 4);
  return Value(kChange(text));
}

Value string(Context& context, const Value& value, const Arguments& arguments) {
  bind("string", arguments, {});
  return value.is_text() ? value : Value(to_text(value, context.budget()));
}

Value trim(Context& context, const Value& value, const Arguments& arguments) {
  const auto bound = bind("trim", arguments, {"chars"});
  const std::string text = to_text(value, context.budget());
  if (bound[0] == nullptr || bound[0]->is_none()) return Value(strip(text, Side::both));
  const std::string characters = text_or(bound[0], "", context.budget());
  context.budget().spend(characters.size());
  return Value(strip(text, Side::both, &characters));
}

Value replace_filter(Context& context, const Value& value, const Arguments& arguments) {
  const auto bound = bind("replace", arguments, {"old", "new", "count"}, 2);
  const bool all = bound[2] == nullptr || bound[2]->is_none();
  const std::string text = to_text(value, context.budget());
  const std::string old = to_text(*bound[0], context.budget());
  const std::string with = to_text(*bound[1], context.budget());
  return Value(replace(text, old, with, all ? -1 : whole_or(bound[2], -1, "replace"), context.budget()));
}

// The space in front of lines: a number of blanks, or a text.
std::string indentation(const Value* width, Context& context) {
  if (width != nullptr && width->is_text()) return width->text();
  const std::int64_t blanks = std::max<std::int64_t>(0, whole_or(width, 4, "indent"));
  context.budget().make(static_cast<std::size_t>(blanks));
  return std::string(static_cast<std::size_t>(blanks), ' ');
}

Value indent(Context& context, const Value& value, const Arguments& arguments) {
  const auto bound = bind("indent", arguments, {"width", "first", "blank"});
  require_defined(value);
  if (!value.is_text()) fail("indent needs a text: it is given '{}'", value.type_name());
  const std::string space = indentation(bound[0], context);
  context.budget().make(value.text().size());
  const std::string text = value.text() + "\n";
  std::string result = is_set(bound[1]) ? space : "";
  bool first = true;
  for (const std::string_view line : split_lines(text, false)) {
    if (!first) result += "\n";
    if (!first && (is_set(bound[2]) || !line.empty())) result += space;
    result += line;
    first = false;
    context.budget().read(space.size() + line.size());
    if (result.size() > context.budget().limits().text_bytes) context.budget().make(result.size());
  }
  return Value(std::move(result));
}

Value join(Context& context, const Value& value, const Arguments& arguments) {
  const auto bound = bind("join", arguments, {"d", "attribute"});
  const std::string separator = text_or(bound[0], "", context.budget());
  std::string joined;
  bool first = true;
  for (const Value& item : iterate(value, context.budget())) {
    if (!std::exchange(first, false)) joined += separator;
    const bool by_attribute = bound[1] != nullptr && !bound[1]->is_none();
    joined +=
        to_text(by_attribute ? AttributePath(*bound[1]).of(item, context.budget()) : item, context.budget());
    context.budget().read(separator.size());
    if (joined.size() > context.budget().limits().text_bytes) context.budget().make(joined.size());
  }
  return Value(std::move(joined));
}

// An item of `separators`, a pair of texts.
std::string separator(const Value& pair, std::size_t index) {
  const Sequence* both = pair.sequence();
  if (both == nullptr || both->items.size() != 2 || !both->items[index].is_text())
    fail("tojson: separators must be a pair of texts");
  return both->items[index].text();
}

Value tojson(Context& context, const Value& value, const Arguments& arguments) {
  const auto bound = bind("tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  style.ascii = is_set(bound[0]);
  style.sort_keys = is_set(bound[3]);
  if (bound[1] != nullptr && !bound[1]->is_none()) {
    style.indent = indentation(bound[1], context);
    style.between = ",";
  }
  if (bound[2] != nullptr && !bound[2]->is_none()) {
    style.between = separator(*bound[2], 0);
    style.after_key = separator(*bound[2], 1);
  }
  return Value(to_json(value, style, context.budget()));
}

constexpr FilterRow kFilters[] = {{"upper", cased<to_upper>},
                                  {"lower", cased<to_lower>},
                                  {"title", cased<title_filter>},
                                  {"capitalize", cased<capitalized>},
                                  {"string", string},
                                  {"trim", trim},
                                  {"replace", replace_filter},
                                  {"indent", indent},
                                  {"join", join},
                                  {"tojson", tojson}};

}  // namespace

std::span<const FilterRow> text_filters() { return kFilters; }

}  // namespace burin::runtime::jinja
