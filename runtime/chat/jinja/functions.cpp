// Functions that every template can call.
#include <ctime>
#include <iomanip>
#include <sstream>

#include "runtime/chat/jinja/callable.hpp"
#include "runtime/chat/jinja/print.hpp"

namespace burin::runtime::jinja {
namespace {

constexpr std::int64_t kLongestRange = 100'000;  // as in Jinja's sandbox
constexpr std::size_t kLongestFormat = 256;

class PlainFunction : public Callable {
 public:
  explicit PlainFunction(Function function) : function_(function) {}
  Value call(Context& context, const Arguments& arguments) const override {
    return function_(context, arguments);
  }

 private:
  Function function_;
};

std::int64_t range_length(std::int64_t start, std::int64_t stop, std::int64_t step) {
  if (step > 0 ? start >= stop : start <= stop) return 0;
  const auto first = static_cast<std::uint64_t>(start), last = static_cast<std::uint64_t>(stop);
  const std::uint64_t distance = step > 0 ? last - first : first - last;
  const std::uint64_t stride =
      step > 0 ? static_cast<std::uint64_t>(step) : 0 - static_cast<std::uint64_t>(step);
  const std::uint64_t count = (distance - 1) / stride + 1;
  if (count > static_cast<std::uint64_t>(kLongestRange))
    fail("range of more than {} numbers: refused", kLongestRange);
  return static_cast<std::int64_t>(count);
}

Value range(Context& context, const Arguments& arguments) {
  if (arguments.positional.empty() || arguments.positional.size() > 3 || !arguments.named.empty())
    fail("range takes one to three numbers");
  const bool has_start = arguments.positional.size() > 1;
  const std::int64_t start = has_start ? whole_or(&arguments.positional[0], 0, "range") : 0;
  const std::int64_t stop = whole_or(&arguments.positional[has_start ? 1 : 0], 0, "range");
  const std::int64_t step =
      arguments.positional.size() > 2 ? whole_or(&arguments.positional[2], 1, "range") : 1;
  if (step == 0) fail("range: the step must not be 0");
  std::vector<Value> numbers;
  const std::int64_t count = range_length(start, stop, step);
  for (std::int64_t i = 0; i < count; ++i) numbers.emplace_back(start + i * step);
  return make_sequence(SequenceKind::range, std::move(numbers), context.budget());
}

// What dict() and namespace() are made from: a dictionary, then named arguments.
Dictionary collect(std::string_view function, const Arguments& arguments) {
  Dictionary all;
  if (arguments.positional.size() > 1) fail("{} takes one dictionary and named arguments", function);
  if (!arguments.positional.empty()) {
    require_defined(arguments.positional[0]);
    const Dictionary* given = arguments.positional[0].dictionary();
    if (given == nullptr)
      fail("{} takes a dictionary: it is given '{}'", function, arguments.positional[0].type_name());
    for (const auto& [key, value] : given->items()) all.set(key, value);
  }
  for (const auto& [name, value] : arguments.named) all.set(Value(name), value);
  return all;
}

Value dict(Context& context, const Arguments& arguments) {
  return make_dictionary(std::make_shared<Dictionary>(collect("dict", arguments)), context.budget());
}

Value name_space(Context& context, const Arguments& arguments) {
  auto space = std::make_shared<Namespace>();
  const Dictionary all = collect("namespace", arguments);
  context.budget().spend(1 + all.items().size());
  for (const auto& [key, value] : all.items()) {
    if (!key.is_text()) fail("namespace: the name of an attribute is no text");
    if (value.holds_reference())
      fail("namespace: a value of type '{}' cannot be kept in it", value.type_name());
    space->attributes[key.text()] = value;
  }
  return Value(std::move(space));
}

Value raise_exception(Context& context, const Arguments& arguments) {
  const auto bound = bind("raise_exception", arguments, {"message"}, 1);
  constexpr std::size_t kLongestMessage = 300;
  fail("the template refuses this conversation: {}",
       printable(to_text(*bound[0], context.budget()), kLongestMessage));
}

Value strftime_now(Context& context, const Arguments& arguments) {
  const auto bound = bind("strftime_now", arguments, {"format"}, 1);
  const std::string format = text_or(bound[0], "", context.budget());
  const auto now = static_cast<std::time_t>(context.unix_time());
  std::tm local{};
  localtime_r(&now, &local);
  if (format.size() > kLongestFormat)
    fail("strftime_now: the format has {} bytes: refused above {}", format.size(), kLongestFormat);
  std::ostringstream text;
  text << std::put_time(&local, format.c_str());
  return Value(text.str());
}

}  // namespace

Value find_function(std::string_view name) {
  constexpr std::pair<std::string_view, Function> kFunctions[] = {{"range", range},
                                                                  {"dict", dict},
                                                                  {"namespace", name_space},
                                                                  {"raise_exception", raise_exception},
                                                                  {"strftime_now", strftime_now}};
  for (const auto& [known, function] : kFunctions)
    if (name == known)
      return Value(std::shared_ptr<const Callable>(std::make_shared<PlainFunction>(function)));
  if (name == "lipsum" || name == "cycler" || name == "joiner")
    fail("the function '{}' is not supported", name);
  return {};
}

}  // namespace burin::runtime::jinja
