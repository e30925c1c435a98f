#include "runtime/chat/jinja/operations.hpp"

#include <algorithm>
#include <cmath>

namespace burin::runtime::jinja {
namespace {

std::string_view sign_of(BinaryOperator operation) {
  constexpr std::string_view kSigns[] = {"+", "-", "*", "/", "//", "%", "**"};
  return kSigns[static_cast<std::size_t>(operation)];
}

[[noreturn]] void refuse_large() { fail("the result has more than 63 bits: not supported"); }

std::int64_t sum(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) refuse_large();
  return result;
}

std::int64_t difference(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_sub_overflow(a, b, &result)) refuse_large();
  return result;
}

std::int64_t product(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) refuse_large();
  return result;
}

// Rounds down, as Python's // and % do.
std::int64_t floor_quotient(std::int64_t a, std::int64_t b) {
  if (b == -1) return difference(0, a);
  const std::int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

std::int64_t floor_remainder(std::int64_t a, std::int64_t b) {
  if (b == -1) return 0;
  const std::int64_t remainder = a % b;
  return remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder;
}

double floor_remainder(double a, double b) {
  const double remainder = std::fmod(a, b);
  if (remainder == 0) return std::copysign(0.0, b);
  return (remainder < 0) != (b < 0) ? remainder + b : remainder;
}

Value power(std::int64_t base, std::int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) fail("0 has no negative power");
    return Value(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
  if (base == 0 || base == 1) return Value(exponent == 0 ? std::int64_t{1} : base);
  if (base == -1) return Value(exponent % 2 == 0 ? std::int64_t{1} : std::int64_t{-1});
  std::int64_t result = 1;
  for (; exponent > 0; --exponent) result = product(result, base);
  return Value(result);
}

Value compute_whole(BinaryOperator operation, std::int64_t a, std::int64_t b) {
  if (b == 0 && (operation == BinaryOperator::divide || operation == BinaryOperator::floor_divide ||
                 operation == BinaryOperator::modulo))
    fail("division by zero");
  switch (operation) {
    case BinaryOperator::add: return Value(sum(a, b));
    case BinaryOperator::subtract: return Value(difference(a, b));
    case BinaryOperator::multiply: return Value(product(a, b));
    case BinaryOperator::divide: return Value(static_cast<double>(a) / static_cast<double>(b));
    case BinaryOperator::floor_divide: return Value(floor_quotient(a, b));
    case BinaryOperator::modulo: return Value(floor_remainder(a, b));
    case BinaryOperator::power: return power(a, b);
  }
  return {};
}

Value compute_float(BinaryOperator operation, double a, double b) {
  if (b == 0 && (operation == BinaryOperator::divide || operation == BinaryOperator::floor_divide ||
                 operation == BinaryOperator::modulo))
    fail("division by zero");
  switch (operation) {
    case BinaryOperator::add: return Value(a + b);
    case BinaryOperator::subtract: return Value(a - b);
    case BinaryOperator::multiply: return Value(a * b);
    case BinaryOperator::divide: return Value(a / b);
    case BinaryOperator::floor_divide: return Value(std::floor(a / b));
    case BinaryOperator::modulo: return Value(floor_remainder(a, b));
    case BinaryOperator::power: {
      const double result = std::pow(a, b);
      if (std::isnan(result) || std::isinf(result)) fail("the power is no finite real number: not supported");
      return Value(result);
    }
  }
  return {};
}

bool is_repeatable(const Value& value) {
  const Sequence* sequence = value.sequence();
  return value.is_text() || (sequence != nullptr &&
                             (sequence->kind == SequenceKind::list || sequence->kind == SequenceKind::tuple));
}

Value repeat(const Value& value, std::int64_t times, Budget& budget) {
  const auto count = static_cast<std::size_t>(std::max<std::int64_t>(times, 0));
  const std::size_t size = value.is_text() ? value.text().size() : value.sequence()->items.size();
  std::size_t total = 0;
  if (__builtin_mul_overflow(size, count, &total)) total = SIZE_MAX / 2;
  if (size == 0) return value;
  if (value.is_text()) {
    budget.make(total);
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += value.text();
    return Value(std::move(text));
  }
  budget.spend(total);
  std::vector<Value> items;
  for (std::size_t i = 0; i < count; ++i)
    items.insert(items.end(), value.sequence()->items.begin(), value.sequence()->items.end());
  return make_sequence(value.sequence()->kind, std::move(items), budget);
}

bool can_be_joined(const Value& a, const Value& b) {
  if (a.is_text() && b.is_text()) return true;
  return is_repeatable(a) && is_repeatable(b) && a.sequence() != nullptr && b.sequence() != nullptr &&
         a.sequence()->kind == b.sequence()->kind;
}

Value joined(const Value& a, const Value& b, Budget& budget) {
  if (a.is_text()) {
    budget.make(a.text().size() + b.text().size());
    return Value(a.text() + b.text());
  }
  budget.spend(a.sequence()->items.size() + b.sequence()->items.size());
  std::vector<Value> items = a.sequence()->items;
  items.insert(items.end(), b.sequence()->items.begin(), b.sequence()->items.end());
  return make_sequence(a.sequence()->kind, std::move(items), budget);
}

}  // namespace

Value compute(BinaryOperator operation, const Value& a, const Value& b, Budget& budget) {
  if (operation == BinaryOperator::modulo && a.is_text())
    fail("formatting a text with '%' is not supported: use ~");
  require_defined(a);
  require_defined(b);
  if (a.is_whole() && b.is_whole()) return compute_whole(operation, a.whole(), b.whole());
  if (a.is_number() && b.is_number()) return compute_float(operation, a.number(), b.number());
  if (operation == BinaryOperator::add && can_be_joined(a, b)) return joined(a, b, budget);
  if (operation == BinaryOperator::multiply && is_repeatable(a) && b.is_whole())
    return repeat(a, b.whole(), budget);
  if (operation == BinaryOperator::multiply && is_repeatable(b) && a.is_whole())
    return repeat(b, a.whole(), budget);
  fail("'{}' and '{}' cannot be combined with '{}'", a.type_name(), b.type_name(), sign_of(operation));
}

Value negated(const Value& value) {
  require_defined(value);
  if (value.is_whole()) return Value(difference(0, value.whole()));
  if (value.is_float()) return Value(-value.number());
  fail("a value of type '{}' has no negative", value.type_name());
}

Value plus(const Value& value) {
  require_defined(value);
  if (value.is_whole()) return Value(value.whole());
  if (value.is_float()) return value;
  fail("a value of type '{}' is no number", value.type_name());
}

bool compare(ComparisonOperator operation, const Value& a, const Value& b, Budget& budget) {
  switch (operation) {
    case ComparisonOperator::equal: return equal(a, b, budget);
    case ComparisonOperator::not_equal: return !equal(a, b, budget);
    case ComparisonOperator::less: return less(a, b, budget);
    case ComparisonOperator::greater: return less(b, a, budget);
    // Not the negation of the other: with nan, all four are false.
    case ComparisonOperator::less_equal: return less(a, b, budget) || equal(a, b, budget);
    case ComparisonOperator::greater_equal: return less(b, a, budget) || equal(a, b, budget);
    case ComparisonOperator::in: return contains(b, a, budget);
    case ComparisonOperator::not_in: return !contains(b, a, budget);
  }
  return false;
}

}  // namespace burin::runtime::jinja
