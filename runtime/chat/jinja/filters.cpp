#include "runtime/chat/jinja/filters.hpp"

#include <charconv>

namespace burin::runtime::jinja {

AttributePath::AttributePath(const Value& path) {
  if (!path.is_text()) {
    if (!path.is_whole()) fail("an attribute must be a text or a number, not '{}'", path.type_name());
    keys_.push_back(path);
    return;
  }
  std::string_view rest = path.text();
  while (true) {
    const std::size_t dot = std::min(rest.find('.'), rest.size());
    const std::string_view part = rest.substr(0, dot);
    std::int64_t index = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), index);
    const bool is_index = error == std::errc() && end == part.data() + part.size() && !part.starts_with('-');
    keys_.push_back(is_index ? Value(index) : Value(part));
    if (dot == rest.size()) return;
    rest.remove_prefix(dot + 1);
  }
}

Value AttributePath::of(Value value, Budget& budget, const Value* otherwise) const {
  for (const Value& key : keys_) {
    value = get_item(value, key, budget);
    if (otherwise != nullptr && value.is_undefined()) value = *otherwise;
  }
  return value;
}

Value generator(std::vector<Value> items, Context& context) {
  return make_sequence(SequenceKind::generator, std::move(items), context.budget());
}

Filter find_filter(std::string_view name) {
  for (const auto& filters :
       {text_filters(), value_filters(), sequence_filters(), choosing_filters(), ordering_filters()})
    for (const FilterRow& row : filters)
      if (row.name == name) return row.run;
  return nullptr;
}

}  // namespace burin::runtime::jinja
