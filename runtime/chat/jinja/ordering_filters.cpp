// sort, dictsort, min, max and unique: by an attribute, texts without regard to case.
#include <algorithm>
#include <optional>
#include <set>

#include "runtime/chat/jinja/filters.hpp"
#include "runtime/chat/jinja/text.hpp"

namespace burin::runtime::jinja {
namespace {

struct Keyed {
  Value key, item;
};

// What elements are compared by.
class Key {
 public:
  Key(const Value* case_sensitive, const Value* attribute) : ignores_case_(!is_set(case_sensitive)) {
    if (attribute == nullptr || attribute->is_none()) return;
    if (attribute->is_text() && attribute->text().find(',') != std::string::npos)
      fail("sorting by several attributes is not supported: sort by one after the other");
    path_.emplace(*attribute);
  }

  Value of(const Value& item, Budget& budget) const {
    const Value key = path_ ? path_->of(item, budget) : item;
    if (!ignores_case_ || !key.is_text()) return key;
    budget.make(key.text().size());
    return Value(to_lower(key.text()));
  }

  std::vector<Keyed> of_all(const Value& value, Budget& budget) const {
    std::vector<Keyed> keyed;
    for (const Value& item : iterate(value, budget)) keyed.push_back({of(item, budget), item});
    return keyed;
  }

 private:
  bool ignores_case_;
  std::optional<AttributePath> path_;
};

// Equal elements keep their order, also where it is reversed.
void sort_by_key(std::vector<Keyed>& keyed, bool reversed, Budget& budget) {
  std::stable_sort(keyed.begin(), keyed.end(), [&](const Keyed& a, const Keyed& b) {
    return reversed ? less(b.key, a.key, budget) : less(a.key, b.key, budget);
  });
}

Value list_of(std::vector<Keyed> keyed, Context& context) {
  std::vector<Value> items;
  for (Keyed& one : keyed) items.push_back(std::move(one.item));
  return make_sequence(SequenceKind::list, std::move(items), context.budget());
}

Value sort(Context& context, const Value& value, const Arguments& arguments) {
  const auto bound = bind("sort", arguments, {"reverse", "case_sensitive", "attribute"});
  std::vector<Keyed> keyed = Key(bound[1], bound[2]).of_all(value, context.budget());
  sort_by_key(keyed, is_set(bound[0]), context.budget());
  return list_of(std::move(keyed), context);
}

Value dictsort(Context& context, const Value& value, const Arguments& arguments) {
  const auto bound = bind("dictsort", arguments, {"case_sensitive", "by", "reverse"});
  require_defined(value);
  if (value.dictionary() == nullptr) fail("dictsort needs a dictionary: it is given '{}'", value.type_name());
  const std::string by = text_or(bound[1], "key", context.budget());
  if (by != "key" && by != "value") fail("dictsort: by is '{}': use key or value", printable(by));
  const Key key(bound[0], nullptr);
  std::vector<Keyed> keyed;
  for (const auto& [name, item] : value.dictionary()->items())
    keyed.push_back({key.of(by == "key" ? name : item, context.budget()),
                     make_sequence(SequenceKind::tuple, {name, item}, context.budget())});
  sort_by_key(keyed, is_set(bound[2]), context.budget());
  return list_of(std::move(keyed), context);
}

template <bool kLargest>
Value extreme(Context& context, const Value& value, const Arguments& arguments) {
  const auto bound = bind(kLargest ? "max" : "min", arguments, {"case_sensitive", "attribute"});
  std::vector<Keyed> keyed = Key(bound[0], bound[1]).of_all(value, context.budget());
  if (keyed.empty()) return Value::undefined("the sequence is empty: it has neither least nor largest");
  std::size_t best = 0;
  for (std::size_t i = 1; i < keyed.size(); ++i) {
    const bool better = kLargest ? less(keyed[best].key, keyed[i].key, context.budget())
                                 : less(keyed[i].key, keyed[best].key, context.budget());
    if (better) best = i;
  }
  return keyed[best].item;
}

Value unique(Context& context, const Value& value, const Arguments& arguments) {
  const auto bound = bind("unique", arguments, {"case_sensitive", "attribute"});
  std::set<std::string> seen;
  std::vector<Value> kept;
  for (Keyed& one : Key(bound[0], bound[1]).of_all(value, context.budget()))
    if (seen.insert(hash_key(one.key)).second) kept.push_back(std::move(one.item));
  return generator(std::move(kept), context);
}

constexpr FilterRow kFilters[] = {{"sort", sort},
                                  {"dictsort", dictsort},
                                  {"min", extreme<false>},
                                  {"max", extreme<true>},
                                  {"unique", unique}};

}  // namespace

std::span<const FilterRow> ordering_filters() { return kFilters; }

}  // namespace burin::runtime::jinja
