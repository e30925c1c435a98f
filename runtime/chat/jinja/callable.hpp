// What filters, tests, methods, functions and macros are called with.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/chat/jinja/value.hpp"

namespace burin::runtime::jinja {

struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;

  const Value* find_named(std::string_view name) const;
};

// Arguments in the order of a function's parameters; null where one was not given. Throws burin::Error for
// arguments the function does not have, and where one of the first `required` is missing.
std::vector<const Value*> bind(std::string_view function, const Arguments& arguments,
                               std::initializer_list<std::string_view> parameters, std::size_t required = 0);

// Of an argument that may be missing; throw burin::Error where it is of another type.
bool is_set(const Value* argument, bool otherwise = false);
std::int64_t whole_or(const Value* argument, std::int64_t otherwise, std::string_view function);
// The argument as Python's str() has it.
std::string text_or(const Value* argument, std::string_view otherwise, Budget& budget);

// What runs while a template is rendered.
class Context {
 public:
  virtual ~Context() = default;
  virtual Budget& budget() = 0;
  // The time that strftime_now gives, in the machine's time zone.
  virtual std::int64_t unix_time() const = 0;

  Value apply_filter(std::string_view name, const Value& value, const Arguments& arguments);
  bool apply_test(std::string_view name, const Value& value, const Arguments& arguments);
};

class Callable {
 public:
  virtual ~Callable() = default;
  virtual Value call(Context& context, const Arguments& arguments) const = 0;
};

using Function = Value (*)(Context&, const Arguments&);
using Filter = Value (*)(Context&, const Value&, const Arguments&);
using Test = bool (*)(Context&, const Value&, const Arguments&);

// Null where there is none of that name.
Filter find_filter(std::string_view name);
Test find_test(std::string_view name);
// range, dict, namespace, raise_exception, strftime_now; none where there is no such function.
Value find_function(std::string_view name);

// The method of a text, dictionary, list or loop; undefined where the type has none of that name. Throws
// burin::Error for those that Python has and we do not.
Value find_method(const Value& receiver, std::string_view name);

// `value.name` and `value[key]`.
Value get_attribute(const Value& value, std::string_view name, Budget& budget);
Value get_item(const Value& value, const Value& key, Budget& budget);
// `value[start:stop:step]`; null: left out.
struct SliceBounds {
  Value start, stop, step;
};
Value get_slice(const Value& value, const SliceBounds& bounds, Budget& budget);

}  // namespace burin::runtime::jinja
