// map, select and their kin: each element through a filter or a test.
#include "runtime/chat/jinja/filters.hpp"
#include "runtime/chat/jinja/print.hpp"

namespace burin::runtime::jinja {
namespace {

// Without the first `count` positional arguments.
Arguments without_first(const Arguments& arguments, std::size_t count) {
  Arguments rest = arguments;
  rest.positional.erase(rest.positional.begin(),
                        rest.positional.begin() + static_cast<std::ptrdiff_t>(count));
  return rest;
}

const std::string& name_from(const Value& value, std::string_view filter) {
  require_defined(value);
  if (!value.is_text()) fail("{} needs a name: it is given '{}'", filter, value.type_name());
  return value.text();
}

Value map_attribute(Context& context, const std::vector<Value>& items, const Arguments& arguments) {
  const auto bound = bind("map", arguments, {"attribute", "default"});
  const AttributePath path(*bound[0]);
  std::vector<Value> results;
  for (const Value& item : items) {
    const bool has_default = bound[1] != nullptr && !bound[1]->is_none();
    results.push_back(path.of(item, context.budget(), has_default ? bound[1] : nullptr));
  }
  return generator(std::move(results), context);
}

Value map(Context& context, const Value& value, const Arguments& arguments) {
  if (!value.is_true()) return generator({}, context);
  const std::vector<Value> items = iterate(value, context.budget());
  if (arguments.positional.empty() && arguments.find_named("attribute") != nullptr)
    return map_attribute(context, items, arguments);
  if (arguments.positional.empty()) fail("map needs a filter or attribute=");
  const std::string& filter = name_from(arguments.positional[0], "map");
  const Arguments rest = without_first(arguments, 1);
  std::vector<Value> results;
  for (const Value& item : items) {
    context.budget().spend(1 + rest.positional.size() + rest.named.size());
    results.push_back(context.apply_filter(filter, item, rest));
  }
  return generator(std::move(results), context);
}

// Keeps the elements for which the test (else their truth) is what is `wanted`.
Value choose(Context& context, const std::vector<Value>& items, const std::vector<Value>& tested,
             const Arguments& arguments, bool wanted) {
  std::vector<Value> kept;
  const bool has_test = !arguments.positional.empty();
  const Arguments rest = has_test ? without_first(arguments, 1) : Arguments{};
  for (std::size_t i = 0; i < items.size(); ++i) {
    context.budget().spend(1 + rest.positional.size() + rest.named.size());
    const bool holds = has_test
                           ? context.apply_test(name_from(arguments.positional[0], "select"), tested[i], rest)
                           : tested[i].is_true();
    if (holds == wanted) kept.push_back(items[i]);
  }
  return generator(std::move(kept), context);
}

template <bool kWanted>
Value select(Context& context, const Value& value, const Arguments& arguments) {
  if (!value.is_true()) return generator({}, context);
  const std::vector<Value> items = iterate(value, context.budget());
  return choose(context, items, items, arguments, kWanted);
}

template <bool kWanted>
Value select_by_attribute(Context& context, const Value& value, const Arguments& arguments) {
  if (arguments.positional.empty()) fail("selectattr needs the name of an attribute");
  if (!value.is_true()) return generator({}, context);
  const std::vector<Value> items = iterate(value, context.budget());
  const AttributePath path(arguments.positional[0]);
  std::vector<Value> tested;
  for (const Value& item : items) tested.push_back(path.of(item, context.budget()));
  return choose(context, items, tested, without_first(arguments, 1), kWanted);
}

constexpr FilterRow kFilters[] = {{"map", map},
                                  {"select", select<true>},
                                  {"reject", select<false>},
                                  {"selectattr", select_by_attribute<true>},
                                  {"rejectattr", select_by_attribute<false>}};

}  // namespace

std::span<const FilterRow> choosing_filters() { return kFilters; }

}  // namespace burin::runtime::jinja
