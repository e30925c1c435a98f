// value.name, value[key] and value[start:stop:step].
#include <algorithm>

#include "runtime/chat/jinja/callable.hpp"
#include "runtime/chat/jinja/text.hpp"

namespace burin::runtime::jinja {
namespace {

std::string object_name(const Value& value) {
  return value.is_none() ? "'None'" : fmt::format("'{} object'", value.type_name());
}

Value missing_attribute(const Value& value, std::string_view name) {
  return Value::undefined(fmt::format("{} has no attribute '{}'", object_name(value), printable(name)));
}

// Of the element `index` counted from the end where it is negative; none behind either end.
std::size_t place(std::int64_t index, std::size_t count) {
  const std::int64_t at = index < 0 ? index + static_cast<std::int64_t>(count) : index;
  return at < 0 ? SIZE_MAX : static_cast<std::size_t>(at);
}

Value text_item(const std::string& text, std::int64_t index, Budget& budget) {
  budget.read(text.size());
  const std::size_t count = character_count(text);
  const std::size_t at = place(index, count);
  if (at >= count) return Value::undefined(fmt::format("the text has no character {}", index));
  const std::size_t begin = character_offset(text, at);
  return Value(
      std::string_view(text).substr(begin, character_offset(std::string_view(text).substr(begin), 1)));
}

bool has_places(const Value& value) {
  const Sequence* sequence = value.sequence();
  return sequence != nullptr &&
         (sequence->kind == SequenceKind::list || sequence->kind == SequenceKind::tuple ||
          sequence->kind == SequenceKind::range);
}

bool can_be_key(const Value& key) {
  if (const Sequence* sequence = key.sequence())
    return sequence->kind == SequenceKind::tuple &&
           std::all_of(sequence->items.begin(), sequence->items.end(), can_be_key);
  return key.is_text() || key.is_number() || key.is_none();
}

Value loop_attribute(const LoopState& loop, std::string_view name) {
  const auto index = static_cast<std::int64_t>(loop.index);
  const auto count = static_cast<std::int64_t>(loop.items.size());
  if (name == "index") return Value(index + 1);
  if (name == "index0") return Value(index);
  if (name == "revindex") return Value(count - index);
  if (name == "revindex0") return Value(count - index - 1);
  if (name == "first") return Value(index == 0);
  if (name == "last") return Value(index + 1 == count);
  if (name == "length") return Value(count);
  if (name == "depth") return Value(std::int64_t{loop.depth});
  if (name == "depth0") return Value(std::int64_t{loop.depth - 1});
  if (name == "previtem")
    return index > 0 ? loop.items[loop.index - 1] : Value::undefined("there is no previous item");
  if (name == "nextitem")
    return index + 1 < count ? loop.items[loop.index + 1] : Value::undefined("there is no next item");
  return Value::undefined(fmt::format("the loop has no attribute '{}'", printable(name)));
}

// Python's slice.indices().
struct Bounds {
  std::int64_t start, stop, step;
};

std::int64_t clamped(std::int64_t bound, std::int64_t count, std::int64_t lowest, std::int64_t highest) {
  if (bound < 0) bound = std::max(bound, -count - 1) + count;
  return std::clamp(bound, lowest, highest);
}

std::int64_t bound_or(const Value& bound, std::int64_t otherwise, std::int64_t count, std::int64_t lowest,
                      std::int64_t highest) {
  if (bound.is_none()) return otherwise;
  require_defined(bound);
  if (!bound.is_whole()) fail("a slice needs whole numbers: it is given '{}'", bound.type_name());
  return clamped(bound.whole(), count, lowest, highest);
}

Bounds resolve(const SliceBounds& bounds, std::size_t length) {
  const auto count = static_cast<std::int64_t>(length);
  std::int64_t step = 1;
  if (!bounds.step.is_none()) {
    require_defined(bounds.step);
    if (!bounds.step.is_whole())
      fail("a slice needs whole numbers: it is given '{}'", bounds.step.type_name());
    step = std::clamp(bounds.step.whole(), -count - 1, count + 1);
    if (bounds.step.whole() == 0) fail("the step of a slice must not be 0");
  }
  const std::int64_t lowest = step > 0 ? 0 : -1, highest = step > 0 ? count : count - 1;
  return {bound_or(bounds.start, step > 0 ? 0 : count - 1, count, lowest, highest),
          bound_or(bounds.stop, step > 0 ? count : -1, count, lowest, highest), step};
}

template <typename Item>
std::vector<Item> sliced(const std::vector<Item>& items, const SliceBounds& bounds) {
  const Bounds b = resolve(bounds, items.size());
  std::vector<Item> result;
  for (std::int64_t i = b.start; b.step > 0 ? i < b.stop : i > b.stop; i += b.step)
    result.push_back(items[static_cast<std::size_t>(i)]);
  return result;
}

}  // namespace

Value get_attribute(const Value& value, std::string_view name, Budget& budget) {
  require_defined(value);
  budget.spend(1);
  const Dictionary* dictionary = value.dictionary();
  if (name.starts_with("__") && (dictionary == nullptr || dictionary->find(name) == nullptr))
    fail("the attribute '{}' is refused: templates may not look inside", printable(name));
  if (Value method = find_method(value, name); method.callable() != nullptr) return method;
  if (dictionary != nullptr) {
    if (const Value* item = dictionary->find(name)) return *item;
  } else if (const Namespace* space = value.name_space()) {
    const auto at = space->attributes.find(std::string(name));
    if (at != space->attributes.end()) return at->second;
  } else if (const LoopState* loop = value.loop()) {
    return loop_attribute(*loop, name);
  }
  return missing_attribute(value, name);
}

Value get_item(const Value& value, const Value& key, Budget& budget) {
  require_defined(value);
  budget.spend(1);
  if (key.is_undefined()) return Value::undefined(*key.undefined().complaint);
  if (value.is_text() && key.is_whole()) return text_item(value.text(), key.whole(), budget);
  if (has_places(value) && key.is_whole()) {
    const std::size_t at = place(key.whole(), value.sequence()->items.size());
    if (at < value.sequence()->items.size()) return value.sequence()->items[at];
    return Value::undefined(fmt::format("{} has no element {}", object_name(value), key.whole()));
  }
  if (const Dictionary* dictionary = value.dictionary(); dictionary && can_be_key(key))
    if (const Value* item = dictionary->find(key)) return *item;
  if (key.is_text()) return get_attribute(value, key.text(), budget);
  return Value::undefined(fmt::format("{} has no such element", object_name(value)));
}

Value get_slice(const Value& value, const SliceBounds& bounds, Budget& budget) {
  require_defined(value);
  if (value.is_text()) {
    budget.make(value.text().size());
    budget.spend(value.text().size() / 4);
    std::string text;
    for (const std::string_view character : sliced(split_characters(value.text()), bounds)) text += character;
    return Value(std::move(text));
  }
  if (!has_places(value)) fail("a value of type '{}' cannot be sliced", value.type_name());
  budget.spend(value.sequence()->items.size());
  return make_sequence(value.sequence()->kind, sliced(value.sequence()->items, bounds), budget);
}

}  // namespace burin::runtime::jinja
