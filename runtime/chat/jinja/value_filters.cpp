// Filters of numbers and of single values.
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>

#include "runtime/chat/jinja/filters.hpp"
#include "runtime/chat/jinja/operations.hpp"
#include "runtime/chat/jinja/text.hpp"

namespace burin::runtime::jinja {
namespace {

Value default_value(Context&, const Value& value, const Arguments& arguments) {
  const auto bound = bind("default", arguments, {"default_value", "boolean"});
  const bool keeps = !value.is_undefined() && (!is_set(bound[1]) || value.is_true());
  if (keeps) return value;
  return bound[0] != nullptr ? *bound[0] : Value("");
}

Value length_filter(Context& context, const Value& value, const Arguments& arguments) {
  bind("length", arguments, {});
  return Value(static_cast<std::int64_t>(length(value, context.budget())));
}

// Digits with single underscores between them, as Python reads numbers; empty where they are none.
std::string without_underscores(std::string_view text) {
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto is_plain_digit = [&](std::size_t at) {
      return at < text.size() && text[at] >= '0' && text[at] <= '9';
    };
    if (text[i] != '_')
      digits += text[i];
    else if (i == 0 || !is_plain_digit(i - 1) || !is_plain_digit(i + 1))
      return "";
  }
  return digits;
}

std::optional<std::int64_t> read_whole(std::string_view text) {
  std::string digits = without_underscores(strip(text, Side::both));
  if (digits.starts_with('+') && !digits.starts_with("+-")) digits.erase(0, 1);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error == std::errc::result_out_of_range) fail("int: the number has more than 63 bits: not supported");
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

std::optional<double> read_float(std::string_view text) {
  const std::string digits = without_underscores(strip(text, Side::both));
  // strtod reads hexadecimal numbers and "nan(...)" too, Python does not.
  if (digits.empty() || digits.find_first_of("xX(") != std::string::npos) return std::nullopt;
  char* end = nullptr;
  const double number = std::strtod(digits.c_str(), &end);
  if (end != digits.c_str() + digits.size() || is_space(digits.front())) return std::nullopt;
  return number;
}

Value truncated(double number) {
  if (std::isinf(number) || std::abs(number) >= 0x1p63)
    fail("int: the number has more than 63 bits: not supported");
  return Value(static_cast<std::int64_t>(number));
}

Value to_whole(Context& context, const Value& value, const Arguments& arguments) {
  const auto bound = bind("int", arguments, {"default", "base"});
  if (whole_or(bound[1], 10, "int") != 10) fail("int: only base 10 is supported");
  require_defined(value);
  if (value.is_whole()) return Value(value.whole());
  double number = std::numeric_limits<double>::quiet_NaN();
  if (value.is_float()) number = value.number();
  if (value.is_text()) {
    context.budget().make(value.text().size());
    if (const auto whole = read_whole(value.text())) return Value(*whole);
    const auto read = read_float(value.text());
    if (read && !std::isinf(*read)) number = *read;
  }
  if (!std::isnan(number)) return truncated(number);
  return bound[0] != nullptr ? *bound[0] : Value(std::int64_t{0});
}

Value to_float(Context& context, const Value& value, const Arguments& arguments) {
  const auto bound = bind("float", arguments, {"default"});
  require_defined(value);
  if (value.is_number()) return Value(value.number());
  if (value.is_text()) {
    context.budget().make(value.text().size());
    if (const auto number = read_float(value.text())) return Value(*number);
  }
  return bound[0] != nullptr ? *bound[0] : Value(0.0);
}

Value absolute(Context& context, const Value& value, const Arguments& arguments) {
  bind("abs", arguments, {});
  const Value number = plus(value);
  return less(number, Value(std::int64_t{0}), context.budget()) ? negated(number)
         : number.is_float()                                    ? Value(std::abs(number.number()))
                                                                : number;
}

// To the nearest, as printf rounds the exact value; ties of the binary value go to even.
double rounded(double number, std::int64_t places) {
  if (!std::isfinite(number)) fail("round: {} cannot be rounded", number);
  return std::strtod(fmt::format("{:.{}f}", number, places).c_str(), nullptr);
}

Value round_filter(Context& context, const Value& value, const Arguments& arguments) {
  constexpr std::int64_t kMostPlaces = 20;
  const auto bound = bind("round", arguments, {"precision", "method"});
  const std::int64_t places = whole_or(bound[0], 0, "round");
  if (places < 0 || places > kMostPlaces)
    fail("round: the precision {} is not supported: use 0 to 20", places);
  const std::string method = text_or(bound[1], "common", context.budget());
  const Value number = plus(value);
  const double scale = std::pow(10.0, static_cast<double>(places));
  if (method == "ceil") return Value(std::ceil(number.number() * scale) / scale);
  if (method == "floor") return Value(std::floor(number.number() * scale) / scale);
  if (method != "common")
    fail("round: the method '{}' is unknown: use common, ceil or floor", printable(method));
  return number.is_float() ? Value(rounded(number.number(), places)) : number;
}

constexpr FilterRow kFilters[] = {
    {"default", default_value}, {"d", default_value}, {"length", length_filter}, {"count", length_filter},
    {"int", to_whole},          {"float", to_float},  {"abs", absolute},         {"round", round_filter}};

}  // namespace

std::span<const FilterRow> value_filters() { return kFilters; }

}  // namespace burin::runtime::jinja
