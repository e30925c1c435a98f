// Python's methods of str.
#include <algorithm>

#include "runtime/chat/jinja/methods.hpp"
#include "runtime/chat/jinja/print.hpp"
#include "runtime/chat/jinja/split.hpp"
#include "runtime/chat/jinja/text.hpp"

namespace burin::runtime::jinja {
namespace {

const std::string& as_text(const Value& value, std::string_view method) {
  require_defined(value);
  if (!value.is_text()) fail("{} needs a text: it is given '{}'", method, value.type_name());
  return value.text();
}

Value list_of(const std::vector<std::string_view>& parts, Context& context) {
  std::vector<Value> items(parts.begin(), parts.end());
  return make_sequence(SequenceKind::list, std::move(items), context.budget());
}

template <Side kSide>
Value strip_method(Context& context, const Value& text, const Arguments& arguments) {
  const auto bound = bind("strip", arguments, {"characters"});
  context.budget().read(text.text().size());
  if (bound[0] == nullptr || bound[0]->is_none()) return Value(strip(text.text(), kSide));
  const std::string& characters = as_text(*bound[0], "strip");
  context.budget().spend(characters.size());
  return Value(strip(text.text(), kSide, &characters));
}

template <bool kFromRight>
Value split_method(Context& context, const Value& text, const Arguments& arguments) {
  const auto bound = bind("split", arguments, {"sep", "maxsplit"});
  const std::int64_t most = whole_or(bound[1], -1, "split");
  context.budget().make(text.text().size());
  if (bound[0] == nullptr || bound[0]->is_none())
    return list_of(split_at_spaces(text.text(), most, kFromRight), context);
  const std::string& separator = as_text(*bound[0], "split");
  if (separator.empty()) fail("split: the separator is empty");
  return list_of(split_at(text.text(), separator, most, kFromRight), context);
}

Value splitlines_method(Context& context, const Value& text, const Arguments& arguments) {
  const auto bound = bind("splitlines", arguments, {"keepends"});
  context.budget().make(text.text().size());
  return list_of(split_lines(text.text(), is_set(bound[0])), context);
}

bool has_affix(std::string_view text, const Value& affix, bool at_start) {
  const std::string& wanted = as_text(affix, at_start ? "startswith" : "endswith");
  return at_start ? text.starts_with(wanted) : text.ends_with(wanted);
}

template <bool kAtStart>
Value affix_method(Context& context, const Value& text, const Arguments& arguments) {
  constexpr std::string_view kName = kAtStart ? "startswith" : "endswith";
  const auto bound = bind(kName, arguments, {"prefix"}, 1);
  const Sequence* several = bound[0]->sequence();
  if (several == nullptr || several->kind != SequenceKind::tuple)
    return Value(has_affix(text.text(), *bound[0], kAtStart));
  context.budget().spend(several->items.size());
  return Value(std::any_of(several->items.begin(), several->items.end(),
                           [&](const Value& affix) { return has_affix(text.text(), affix, kAtStart); }));
}

template <bool kAtStart>
Value remove_affix_method(Context& context, const Value& text, const Arguments& arguments) {
  const auto bound = bind(kAtStart ? "removeprefix" : "removesuffix", arguments, {"affix"}, 1);
  std::string_view rest = text.text();
  context.budget().read(rest.size());
  const std::size_t length = as_text(*bound[0], "removeprefix").size();
  if (has_affix(rest, *bound[0], kAtStart))
    rest = kAtStart ? rest.substr(length) : rest.substr(0, rest.size() - length);
  return Value(rest);
}

Value replace_method(Context& context, const Value& text, const Arguments& arguments) {
  const auto bound = bind("replace", arguments, {"old", "new", "count"}, 2);
  return Value(replace(text.text(), as_text(*bound[0], "replace"), as_text(*bound[1], "replace"),
                       whole_or(bound[2], -1, "replace"), context.budget()));
}

template <std::string (*kChange)(std::string_view)>
Value cased(Context& context, const Value& text, const Arguments& arguments) {
  bind("the method", arguments, {});
  context.budget().make(text.text().size());
  context.budget().spend(text.text().size() / 4);
  return Value(kChange(text.text()));
}

template <bool kFromRight>
Value find_method_of_text(Context& context, const Value& text, const Arguments& arguments) {
  const auto bound = bind("find", arguments, {"sub"}, 1);
  const std::string& wanted = as_text(*bound[0], "find");
  context.budget().make(text.text().size() + wanted.size());
  const std::size_t at =
      kFromRight ? rfind_text(text.text(), wanted, text.text().size()) : find_text(text.text(), wanted, 0);
  if (at == std::string::npos) return Value(std::int64_t{-1});
  return Value(static_cast<std::int64_t>(character_count(std::string_view(text.text()).substr(0, at))));
}

Value count_method(Context& context, const Value& text, const Arguments& arguments) {
  const auto bound = bind("count", arguments, {"sub"}, 1);
  const std::string& wanted = as_text(*bound[0], "count");
  context.budget().make(text.text().size() + wanted.size());
  context.budget().spend(text.text().size() / 4);
  if (wanted.empty()) return Value(static_cast<std::int64_t>(character_count(text.text())) + 1);
  std::int64_t count = 0;
  for (std::size_t at = 0; (at = find_text(text.text(), wanted, at)) != std::string::npos;
       at += wanted.size())
    ++count;
  return Value(count);
}

Value join_method(Context& context, const Value& text, const Arguments& arguments) {
  const auto bound = bind("join", arguments, {"parts"}, 1);
  std::string joined;
  bool first = true;
  for (const Value& part : iterate(*bound[0], context.budget())) {
    if (!std::exchange(first, false)) joined += text.text();
    joined += as_text(part, "join");
    context.budget().read(text.text().size() + part.text().size());
    if (joined.size() > context.budget().limits().text_bytes) context.budget().make(joined.size());
  }
  return Value(std::move(joined));
}

bool all_of_characters(const std::string& text, bool (*is)(std::int32_t)) {
  for (const std::string_view character : split_characters(text)) {
    std::size_t bytes = 0;
    if (!is(first_character(character, bytes))) return false;
  }
  return !text.empty();
}

Value isspace_method(Context& context, const Value& text, const Arguments& arguments) {
  bind("isspace", arguments, {});
  context.budget().make(text.text().size());
  context.budget().spend(text.text().size() / 4);
  return Value(all_of_characters(text.text(), is_space));
}

Value isdigit_method(Context& context, const Value& text, const Arguments& arguments) {
  bind("isdigit", arguments, {});
  context.budget().make(text.text().size());
  context.budget().spend(text.text().size() / 4);
  return Value(all_of_characters(text.text(), is_digit));
}

constexpr MethodRow kMethods[] = {{"strip", strip_method<Side::both>},
                                  {"lstrip", strip_method<Side::left>},
                                  {"rstrip", strip_method<Side::right>},
                                  {"split", split_method<false>},
                                  {"rsplit", split_method<true>},
                                  {"splitlines", splitlines_method},
                                  {"startswith", affix_method<true>},
                                  {"endswith", affix_method<false>},
                                  {"removeprefix", remove_affix_method<true>},
                                  {"removesuffix", remove_affix_method<false>},
                                  {"replace", replace_method},
                                  {"upper", cased<to_upper>},
                                  {"lower", cased<to_lower>},
                                  {"title", cased<title_method>},
                                  {"capitalize", cased<capitalized>},
                                  {"find", find_method_of_text<false>},
                                  {"rfind", find_method_of_text<true>},
                                  {"count", count_method},
                                  {"join", join_method},
                                  {"isspace", isspace_method},
                                  {"isdigit", isdigit_method}};

}  // namespace

std::span<const MethodRow> text_methods() { return kMethods; }

}  // namespace burin::runtime::jinja
