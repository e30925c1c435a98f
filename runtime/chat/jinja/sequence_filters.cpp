#include <algorithm>

#include "runtime/chat/jinja/filters.hpp"
#include "runtime/chat/jinja/operations.hpp"
#include "runtime/chat/jinja/text.hpp"

namespace burin::runtime::jinja {
namespace {

Value first(Context& context, const Value& value, const Arguments& arguments) {
  bind("first", arguments, {});
  if (value.is_text() && !value.text().empty())
    return get_item(value, Value(std::int64_t{0}), context.budget());
  const std::vector<Value> items = iterate(value, context.budget());
  return items.empty() ? Value::undefined("there is no first element: the sequence is empty") : items.front();
}

Value last(Context& context, const Value& value, const Arguments& arguments) {
  bind("last", arguments, {});
  if (const Sequence* sequence = value.sequence(); sequence && sequence->kind == SequenceKind::generator)
    fail("last: a generator has no end: add |list before");
  const std::vector<Value> items = iterate(value, context.budget());
  return items.empty() ? Value::undefined("there is no last element: the sequence is empty") : items.back();
}

Value list(Context& context, const Value& value, const Arguments& arguments) {
  bind("list", arguments, {});
  return make_sequence(SequenceKind::list, iterate(value, context.budget()), context.budget());
}

Value items(Context& context, const Value& value, const Arguments& arguments) {
  bind("items", arguments, {});
  std::vector<Value> pairs;
  if (value.is_undefined()) return generator({}, context);
  if (value.dictionary() == nullptr) fail("items needs a dictionary: it is given '{}'", value.type_name());
  for (const auto& [key, item] : value.dictionary()->items())
    pairs.push_back(make_sequence(SequenceKind::tuple, {key, item}, context.budget()));
  return generator(std::move(pairs), context);
}

Value reverse(Context& context, const Value& value, const Arguments& arguments) {
  bind("reverse", arguments, {});
  std::vector<Value> all = iterate(value, context.budget());
  std::reverse(all.begin(), all.end());
  if (!value.is_text()) return generator(std::move(all), context);
  std::string text;
  for (const Value& character : all) text += character.text();
  return Value(std::move(text));
}

Value sum(Context& context, const Value& value, const Arguments& arguments) {
  const auto bound = bind("sum", arguments, {"attribute", "start"});
  Value total = bound[1] != nullptr ? *bound[1] : Value(std::int64_t{0});
  if (total.is_text()) fail("sum: texts cannot be summed up: use join");
  const bool by_attribute = bound[0] != nullptr && !bound[0]->is_none();
  for (const Value& item : iterate(value, context.budget())) {
    const Value added = by_attribute ? AttributePath(*bound[0]).of(item, context.budget()) : item;
    total = compute(BinaryOperator::add, total, added, context.budget());
  }
  return total;
}

constexpr FilterRow kFilters[] = {{"first", first}, {"last", last},       {"list", list},
                                  {"items", items}, {"reverse", reverse}, {"sum", sum}};

}  // namespace

std::span<const FilterRow> sequence_filters() { return kFilters; }

}  // namespace burin::runtime::jinja
