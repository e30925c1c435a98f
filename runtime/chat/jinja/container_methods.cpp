// Methods of dictionaries, lists and loops.
#include <algorithm>

#include "runtime/chat/jinja/methods.hpp"

namespace burin::runtime::jinja {
namespace {

Value get(Context& context, const Value& dictionary, const Arguments& arguments) {
  const auto bound = bind("get", arguments, {"key", "default"}, 1);
  context.budget().spend(1);
  if (bound[0]->is_undefined()) return bound[1] != nullptr ? *bound[1] : Value();
  if (const Value* found = dictionary.dictionary()->find(*bound[0])) return *found;
  return bound[1] != nullptr ? *bound[1] : Value();
}

template <SequenceKind kKind>
Value view(Context& context, const Value& dictionary, const Arguments& arguments) {
  bind("the method", arguments, {});
  std::vector<Value> items;
  for (const auto& [key, value] : dictionary.dictionary()->items()) {
    if (kKind == SequenceKind::keys)
      items.push_back(key);
    else if (kKind == SequenceKind::values)
      items.push_back(value);
    else
      items.push_back(make_sequence(SequenceKind::tuple, {key, value}, context.budget()));
  }
  return make_sequence(kKind, std::move(items), context.budget());
}

Value copy(Context&, const Value& value, const Arguments& arguments) {
  bind("copy", arguments, {});
  return value;  // nothing can change it
}

Value count(Context& context, const Value& list, const Arguments& arguments) {
  const auto bound = bind("count", arguments, {"value"}, 1);
  const std::vector<Value>& items = list.sequence()->items;
  return Value(std::int64_t{std::count_if(items.begin(), items.end(), [&](const Value& item) {
    return equal(item, *bound[0], context.budget());
  })});
}

Value index(Context& context, const Value& list, const Arguments& arguments) {
  const auto bound = bind("index", arguments, {"value"}, 1);
  const std::vector<Value>& items = list.sequence()->items;
  const auto at = std::find_if(items.begin(), items.end(),
                               [&](const Value& item) { return equal(item, *bound[0], context.budget()); });
  if (at == items.end()) fail("index: the value is not in the list");
  return Value(std::int64_t{at - items.begin()});
}

Value cycle(Context&, const Value& loop, const Arguments& arguments) {
  if (arguments.positional.empty() || !arguments.named.empty())
    fail("loop.cycle needs values to choose from");
  return arguments.positional[loop.loop()->index % arguments.positional.size()];
}

// Whether the values differ from those of the last call.
Value changed(Context& context, const Value& loop, const Arguments& arguments) {
  if (!arguments.named.empty()) fail("loop.changed takes no named arguments");
  Value now = make_sequence(SequenceKind::tuple, arguments.positional, context.budget());
  if (now.holds_reference()) fail("loop.changed cannot keep a namespace, loop or macro");
  if (equal(now, loop.loop()->changed, context.budget())) return Value(false);
  loop.loop()->changed = std::move(now);
  return Value(true);
}

constexpr MethodRow kDictionaryMethods[] = {{"get", get},
                                            {"keys", view<SequenceKind::keys>},
                                            {"values", view<SequenceKind::values>},
                                            {"items", view<SequenceKind::items>},
                                            {"copy", copy}};
constexpr MethodRow kSequenceMethods[] = {{"count", count}, {"index", index}};
constexpr MethodRow kLoopMethods[] = {{"cycle", cycle}, {"changed", changed}};

}  // namespace

std::span<const MethodRow> dictionary_methods() { return kDictionaryMethods; }
std::span<const MethodRow> sequence_methods() { return kSequenceMethods; }
std::span<const MethodRow> loop_methods() { return kLoopMethods; }

}  // namespace burin::runtime::jinja
