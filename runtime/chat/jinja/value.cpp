#include "runtime/chat/jinja/value.hpp"

#include <algorithm>
#include <cmath>

#include "runtime/chat/jinja/callable.hpp"
#include "runtime/chat/jinja/text.hpp"

namespace burin::runtime::jinja {
namespace {

std::string_view sequence_name(SequenceKind kind) {
  constexpr std::string_view kNames[] = {"list",      "tuple",       "range",     "generator",
                                         "dict_keys", "dict_values", "dict_items"};
  return kNames[static_cast<std::size_t>(kind)];
}

Value sequence_from_json(const nlohmann::ordered_json& json, Budget& budget) {
  std::vector<Value> items;
  items.reserve(json.size());
  for (const nlohmann::ordered_json& item : json) items.push_back(from_json(item, budget));
  return make_sequence(SequenceKind::list, std::move(items), budget);
}

Value dictionary_from_json(const nlohmann::ordered_json& json, Budget& budget) {
  auto dictionary = std::make_shared<Dictionary>();
  for (const auto& [key, item] : json.items()) {
    budget.make(key.size());
    dictionary->set(Value(key), from_json(item, budget));
  }
  return make_dictionary(std::move(dictionary), budget);
}

}  // namespace

Value Value::undefined(std::string complaint) {
  Value value;
  value.storage_ = Undefined{std::make_shared<const std::string>(std::move(complaint))};
  return value;
}

std::string_view Value::type_name() const {
  if (const Sequence* held = sequence()) return sequence_name(held->kind);
  constexpr std::string_view kNames[] = {"NoneType", "Undefined", "bool",      "int",  "float",   "str",
                                         "list",     "dict",      "namespace", "loop", "function"};
  return kNames[storage_.index()];
}

bool Value::is_true() const {
  if (is_none() || is_undefined()) return false;
  if (is_float()) return number() != 0;
  if (is_whole()) return whole() != 0;
  if (is_text()) return !text().empty();
  if (const Sequence* held = sequence()) return held->kind == SequenceKind::generator || !held->items.empty();
  if (const Dictionary* held = dictionary()) return !held->items().empty();
  return true;
}

int Value::depth() const {
  if (const Sequence* held = sequence()) return held->depth;
  if (const Dictionary* held = dictionary()) return held->depth();
  return 0;
}

bool Value::holds_reference() const {
  if (const Sequence* held = sequence()) return held->holds_reference;
  if (const Dictionary* held = dictionary()) return held->holds_reference();
  return name_space() != nullptr || loop() != nullptr || callable() != nullptr;
}

bool Value::same_object(const Value& other) const {
  if (storage_.index() != other.storage_.index()) return false;
  if (is_none() || is_undefined()) return true;
  if (is_text()) return text() == other.text();
  if (is_float()) return number() == other.number();
  if (is_whole()) return whole() == other.whole();
  return sequence() == other.sequence() && dictionary() == other.dictionary() &&
         name_space() == other.name_space() && loop() == other.loop() && callable() == other.callable();
}

void Dictionary::set(Value key, Value value) {
  depth_ = std::max({depth_, 1 + key.depth(), 1 + value.depth()});
  holds_reference_ = holds_reference_ || key.holds_reference() || value.holds_reference();
  const auto [at, added] = index_.emplace(hash_key(key), items_.size());
  if (added)
    items_.emplace_back(std::move(key), std::move(value));
  else
    items_[at->second].second = std::move(value);
}

const Value* Dictionary::find(const Value& key) const {
  const auto at = index_.find(hash_key(key));
  return at == index_.end() ? nullptr : &items_[at->second].second;
}

const Value* Dictionary::find(std::string_view text) const { return find(Value(text)); }

Value make_sequence(SequenceKind kind, std::vector<Value> items, Budget& budget) {
  auto sequence = std::make_shared<Sequence>();
  sequence->kind = kind;
  for (const Value& item : items) {
    sequence->depth = std::max(sequence->depth, 1 + item.depth());
    sequence->holds_reference = sequence->holds_reference || item.holds_reference();
  }
  budget.spend(1 + items.size());
  if (sequence->depth > budget.limits().values_depth)
    fail("values are nested deeper than {}: refused", budget.limits().values_depth);
  sequence->items = std::move(items);
  return Value(std::shared_ptr<const Sequence>(std::move(sequence)));
}

Value make_dictionary(std::shared_ptr<Dictionary> dictionary, Budget& budget) {
  budget.spend(1 + dictionary->items().size());
  if (dictionary->depth() > budget.limits().values_depth)
    fail("values are nested deeper than {}: refused", budget.limits().values_depth);
  return Value(std::shared_ptr<const Dictionary>(std::move(dictionary)));
}

Value from_json(const nlohmann::ordered_json& json, Budget& budget) {
  using Type = nlohmann::ordered_json::value_t;
  budget.spend(1);
  switch (json.type()) {
    case Type::boolean: return Value(json.get<bool>());
    case Type::number_unsigned:
      if (json.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX))
        fail("the conversation has the number {}: more than 63 bits are not supported", json.dump());
      return Value(json.get<std::int64_t>());
    case Type::number_integer: return Value(json.get<std::int64_t>());
    case Type::number_float: return Value(json.get<double>());
    case Type::string:
      budget.make(json.get_ref<const std::string&>().size());
      return Value(json.get<std::string>());
    case Type::array: return sequence_from_json(json, budget);
    case Type::object: return dictionary_from_json(json, budget);
    default: return {};
  }
}

std::string hash_key(const Value& key) {
  if (key.is_text()) return "t" + key.text();
  if (key.is_whole()) return fmt::format("n{}", key.whole());
  if (key.is_float()) {
    const double number = key.number();
    const bool whole = std::floor(number) == number && std::abs(number) < 0x1p63;
    return whole ? fmt::format("n{}", static_cast<std::int64_t>(number)) : fmt::format("n{}", number);
  }
  if (key.is_none()) return "o";
  const Sequence* sequence = key.sequence();
  if (sequence == nullptr || sequence->kind != SequenceKind::tuple)
    fail("a value of type '{}' cannot be a key", key.type_name());
  std::string all = "(";
  for (const Value& item : sequence->items) {
    const std::string part = hash_key(item);
    all += fmt::format("{}:{}", part.size(), part);
  }
  return all;
}

std::vector<Value> iterate(const Value& value, Budget& budget) {
  if (value.is_undefined()) return {};
  if (value.is_text()) {
    budget.make(value.text().size());
    budget.spend(value.text().size());
    std::vector<Value> characters;
    for (const std::string_view character : split_characters(value.text()))
      characters.emplace_back(character);
    return characters;
  }
  if (const Sequence* sequence = value.sequence()) {
    budget.spend(sequence->items.size());
    if (sequence->kind != SequenceKind::generator) return sequence->items;
    if (std::exchange(sequence->used, true)) return {};
    return sequence->items;
  }
  if (const Dictionary* dictionary = value.dictionary()) {
    budget.spend(dictionary->items().size());
    std::vector<Value> keys;
    for (const auto& [key, item] : dictionary->items()) keys.push_back(key);
    return keys;
  }
  fail("a value of type '{}' cannot be iterated over", value.type_name());
}

std::size_t length(const Value& value, Budget& budget) {
  if (value.is_undefined()) return 0;
  if (value.is_text()) {
    budget.read(value.text().size());
    return character_count(value.text());
  }
  if (const Sequence* sequence = value.sequence(); sequence && sequence->kind != SequenceKind::generator)
    return sequence->items.size();
  if (const Dictionary* dictionary = value.dictionary()) return dictionary->items().size();
  if (const LoopState* loop = value.loop()) return loop->items.size();
  fail("a value of type '{}' has no length{}", value.type_name(),
       value.sequence() != nullptr ? ": add |list before" : "");
}

void raise_undefined(const Value& value) { fail("{}", *value.undefined().complaint); }

void require_defined(const Value& value) {
  if (value.is_undefined()) raise_undefined(value);
}

}  // namespace burin::runtime::jinja
