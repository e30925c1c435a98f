// What may stand behind `is`.
#include <utility>

#include "runtime/chat/jinja/callable.hpp"
#include "runtime/chat/jinja/operations.hpp"
#include "runtime/chat/jinja/print.hpp"
#include "runtime/chat/jinja/text.hpp"

namespace burin::runtime::jinja {
namespace {

using Predicate = bool (*)(const Value&);

// A test without arguments.
template <Predicate kPredicate>
bool plain(Context&, const Value& value, const Arguments& arguments) {
  bind("the test", arguments, {});
  return kPredicate(value);
}

bool is_defined(const Value& value) { return !value.is_undefined(); }
bool is_undefined(const Value& value) { return value.is_undefined(); }
bool is_none(const Value& value) { return value.is_none(); }
bool is_boolean(const Value& value) { return value.is_boolean(); }
bool is_true_itself(const Value& value) { return value.is_boolean() && value.is_true(); }
bool is_false_itself(const Value& value) { return value.is_boolean() && !value.is_true(); }
bool is_integer(const Value& value) { return value.is_whole() && !value.is_boolean(); }
bool is_float(const Value& value) { return value.is_float(); }
bool is_number(const Value& value) { return value.is_number(); }
bool is_text(const Value& value) { return value.is_text(); }
bool is_mapping(const Value& value) { return value.dictionary() != nullptr; }
bool is_callable(const Value& value) {
  return value.callable() != nullptr || value.is_undefined() || value.loop() != nullptr;
}
bool is_escaped(const Value&) { return false; }

bool is_iterable(const Value& value) {
  return value.is_text() || value.is_undefined() || value.sequence() != nullptr ||
         value.dictionary() != nullptr || value.loop() != nullptr;
}

// What has a length and elements: in Python, mappings and undefined values too.
bool is_sequence(const Value& value) {
  const Sequence* sequence = value.sequence();
  const bool has_places =
      sequence != nullptr && (sequence->kind == SequenceKind::list || sequence->kind == SequenceKind::tuple ||
                              sequence->kind == SequenceKind::range);
  return has_places || value.is_text() || value.is_undefined() || value.dictionary() != nullptr;
}

template <ComparisonOperator kOperator>
bool compares(Context& context, const Value& value, const Arguments& arguments) {
  const auto bound = bind("the test", arguments, {"other"}, 1);
  return compare(kOperator, value, *bound[0], context.budget());
}

bool same_as(Context&, const Value& value, const Arguments& arguments) {
  return value.same_object(*bind("sameas", arguments, {"other"}, 1)[0]);
}

bool has_remainder(Context& context, const Value& value, const Value& divisor, std::int64_t remainder) {
  const Value rest = compute(BinaryOperator::modulo, value, divisor, context.budget());
  return equal(rest, Value(remainder), context.budget());
}

bool divisible_by(Context& context, const Value& value, const Arguments& arguments) {
  return has_remainder(context, value, *bind("divisibleby", arguments, {"num"}, 1)[0], 0);
}

template <std::int64_t kRemainder>
bool halves_with(Context& context, const Value& value, const Arguments& arguments) {
  bind("the test", arguments, {});
  return has_remainder(context, value, Value(std::int64_t{2}), kRemainder);
}

template <bool kUpper>
bool is_cased(Context& context, const Value& value, const Arguments& arguments) {
  bind("the test", arguments, {});
  const std::string text = to_text(value, context.budget());
  context.budget().spend(text.size() / 4);
  const std::string upper = to_upper(text), lower = to_lower(text);
  return upper != lower && text == (kUpper ? upper : lower);
}

bool names_filter(Context&, const Value& value, const Arguments& arguments) {
  bind("filter", arguments, {});
  return value.is_text() && find_filter(value.text()) != nullptr;
}

bool names_test(Context&, const Value& value, const Arguments& arguments) {
  bind("test", arguments, {});
  return value.is_text() && find_test(value.text()) != nullptr;
}

constexpr std::pair<std::string_view, Test> kTests[] = {
    {"defined", plain<is_defined>},
    {"undefined", plain<is_undefined>},
    {"none", plain<is_none>},
    {"boolean", plain<is_boolean>},
    {"true", plain<is_true_itself>},
    {"false", plain<is_false_itself>},
    {"integer", plain<is_integer>},
    {"float", plain<is_float>},
    {"number", plain<is_number>},
    {"string", plain<is_text>},
    {"mapping", plain<is_mapping>},
    {"callable", plain<is_callable>},
    {"escaped", plain<is_escaped>},
    {"iterable", plain<is_iterable>},
    {"sequence", plain<is_sequence>},
    {"sameas", same_as},
    {"divisibleby", divisible_by},
    {"even", halves_with<0>},
    {"odd", halves_with<1>},
    {"upper", is_cased<true>},
    {"lower", is_cased<false>},
    {"filter", names_filter},
    {"test", names_test},
    {"in", compares<ComparisonOperator::in>},
    {"eq", compares<ComparisonOperator::equal>},
    {"equalto", compares<ComparisonOperator::equal>},
    {"==", compares<ComparisonOperator::equal>},
    {"ne", compares<ComparisonOperator::not_equal>},
    {"!=", compares<ComparisonOperator::not_equal>},
    {"lt", compares<ComparisonOperator::less>},
    {"lessthan", compares<ComparisonOperator::less>},
    {"<", compares<ComparisonOperator::less>},
    {"le", compares<ComparisonOperator::less_equal>},
    {"<=", compares<ComparisonOperator::less_equal>},
    {"gt", compares<ComparisonOperator::greater>},
    {"greaterthan", compares<ComparisonOperator::greater>},
    {">", compares<ComparisonOperator::greater>},
    {"ge", compares<ComparisonOperator::greater_equal>},
    {">=", compares<ComparisonOperator::greater_equal>}};

}  // namespace

Test find_test(std::string_view name) {
  for (const auto& [known, test] : kTests)
    if (name == known) return test;
  return nullptr;
}

}  // namespace burin::runtime::jinja
