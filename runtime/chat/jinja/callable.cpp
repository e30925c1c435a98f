#include "runtime/chat/jinja/callable.hpp"

#include <algorithm>

#include "runtime/chat/jinja/print.hpp"

namespace burin::runtime::jinja {

const Value* Arguments::find_named(std::string_view name) const {
  for (const auto& [given, value] : named)
    if (given == name) return &value;
  return nullptr;
}

std::vector<const Value*> bind(std::string_view function, const Arguments& arguments,
                               std::initializer_list<std::string_view> parameters, std::size_t required) {
  if (arguments.positional.size() > parameters.size())
    fail("{} takes at most {} arguments: it is given {}", function, parameters.size(),
         arguments.positional.size());
  std::vector<const Value*> bound(parameters.size(), nullptr);
  for (std::size_t i = 0; i < arguments.positional.size(); ++i) bound[i] = &arguments.positional[i];
  for (const auto& [name, value] : arguments.named) {
    const auto at = std::find(parameters.begin(), parameters.end(), name);
    if (at == parameters.end()) fail("{} has no argument '{}'", function, printable(name));
    const Value*& place = bound[static_cast<std::size_t>(at - parameters.begin())];
    if (place != nullptr) fail("{} is given '{}' twice", function, printable(name));
    place = &value;
  }
  for (std::size_t i = 0; i < required; ++i)
    if (bound[i] == nullptr) fail("{} needs the argument '{}'", function, *(parameters.begin() + i));
  return bound;
}

bool is_set(const Value* argument, bool otherwise) {
  return argument == nullptr ? otherwise : argument->is_true();
}

std::int64_t whole_or(const Value* argument, std::int64_t otherwise, std::string_view function) {
  if (argument == nullptr) return otherwise;
  require_defined(*argument);
  if (!argument->is_whole())
    fail("{} needs a whole number: it is given '{}'", function, argument->type_name());
  return argument->whole();
}

std::string text_or(const Value* argument, std::string_view otherwise, Budget& budget) {
  return argument == nullptr ? std::string(otherwise) : to_text(*argument, budget);
}

Value Context::apply_filter(std::string_view name, const Value& value, const Arguments& arguments) {
  const Filter filter = find_filter(name);
  if (filter == nullptr) fail("the filter '{}' is not supported", printable(name));
  return filter(*this, value, arguments);
}

bool Context::apply_test(std::string_view name, const Value& value, const Arguments& arguments) {
  const Test test = find_test(name);
  if (test == nullptr) fail("the test '{}' is not supported", printable(name));
  return test(*this, value, arguments);
}

}  // namespace burin::runtime::jinja
