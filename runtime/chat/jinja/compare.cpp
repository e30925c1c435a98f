// Python's ==, < and `in`.
#include <algorithm>

#include "runtime/chat/jinja/text.hpp"
#include "runtime/chat/jinja/value.hpp"

namespace burin::runtime::jinja {
namespace {

bool is_compared_by_items(SequenceKind kind) {
  return kind == SequenceKind::list || kind == SequenceKind::tuple || kind == SequenceKind::range;
}

bool equal_sequences(const Sequence& a, const Sequence& b, Budget& budget) {
  if (&a == &b) return true;
  if (a.kind != b.kind || !is_compared_by_items(a.kind) || a.items.size() != b.items.size()) return false;
  for (std::size_t i = 0; i < a.items.size(); ++i)
    if (!equal(a.items[i], b.items[i], budget)) return false;
  return true;
}

bool equal_dictionaries(const Dictionary& a, const Dictionary& b, Budget& budget) {
  if (a.items().size() != b.items().size()) return false;
  for (const auto& [key, value] : a.items()) {
    const Value* other = b.find(key);
    if (other == nullptr || !equal(value, *other, budget)) return false;
  }
  return true;
}

bool less_sequences(const Sequence& a, const Sequence& b, Budget& budget) {
  const std::size_t both = std::min(a.items.size(), b.items.size());
  for (std::size_t i = 0; i < both; ++i)
    if (!equal(a.items[i], b.items[i], budget)) return less(a.items[i], b.items[i], budget);
  return a.items.size() < b.items.size();
}

bool have_order(const Sequence* a, const Sequence* b) {
  return a != nullptr && b != nullptr && a->kind == b->kind &&
         (a->kind == SequenceKind::list || a->kind == SequenceKind::tuple);
}

}  // namespace

bool equal(const Value& a, const Value& b, Budget& budget) {
  budget.spend(1);
  if (a.is_whole() && b.is_whole()) return a.whole() == b.whole();
  if (a.is_number() && b.is_number()) return a.number() == b.number();
  if (a.is_text() && b.is_text()) {
    budget.read(std::min(a.text().size(), b.text().size()));
    return a.text() == b.text();
  }
  if (a.sequence() != nullptr && b.sequence() != nullptr)
    return equal_sequences(*a.sequence(), *b.sequence(), budget);
  if (a.dictionary() != nullptr && b.dictionary() != nullptr)
    return equal_dictionaries(*a.dictionary(), *b.dictionary(), budget);
  return a.same_object(b);
}

bool less(const Value& a, const Value& b, Budget& budget) {
  budget.spend(1);
  require_defined(a);
  require_defined(b);
  if (a.is_whole() && b.is_whole()) return a.whole() < b.whole();
  if (a.is_number() && b.is_number()) return a.number() < b.number();
  if (a.is_text() && b.is_text()) {
    budget.read(std::min(a.text().size(), b.text().size()));
    return a.text() < b.text();  // UTF-8 keeps the order of characters
  }
  if (have_order(a.sequence(), b.sequence())) return less_sequences(*a.sequence(), *b.sequence(), budget);
  fail("'{}' and '{}' have no order: only two numbers, two texts or two lists do", a.type_name(),
       b.type_name());
}

bool contains(const Value& container, const Value& needle, Budget& budget) {
  if (container.is_text()) {
    if (!needle.is_text()) {
      require_defined(needle);
      fail("'in' a text needs a text on the left: it is '{}'", needle.type_name());
    }
    budget.read(container.text().size() + needle.text().size());
    return find_text(container.text(), needle.text(), 0) != std::string::npos;
  }
  if (const Dictionary* dictionary = container.dictionary()) {
    budget.spend(1);
    if (needle.is_undefined()) return false;
    return dictionary->find(needle) != nullptr;
  }
  const std::vector<Value> items = iterate(container, budget);
  return std::any_of(items.begin(), items.end(),
                     [&](const Value& item) { return equal(item, needle, budget); });
}

}  // namespace burin::runtime::jinja
