// Filters by what they work on; find_filter() puts them together.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/chat/jinja/callable.hpp"

namespace burin::runtime::jinja {

struct FilterRow {
  std::string_view name;
  Filter run;
};

std::span<const FilterRow> text_filters();
std::span<const FilterRow> value_filters();
std::span<const FilterRow> sequence_filters();
std::span<const FilterRow> choosing_filters();
std::span<const FilterRow> ordering_filters();

// "a.b.0" of each element, as the argument `attribute` of many filters says; a number is an index.
class AttributePath {
 public:
  explicit AttributePath(const Value& path);
  // `otherwise`, where given, takes the place of what is missing, at every step.
  Value of(Value value, Budget& budget, const Value* otherwise = nullptr) const;

 private:
  std::vector<Value> keys_;
};

// Elements behind a filter that only passes them on.
Value generator(std::vector<Value> items, Context& context);

}  // namespace burin::runtime::jinja
