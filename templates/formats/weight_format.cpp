#include "templates/formats/weight_format.hpp"

#include <charconv>
#include <iterator>
#include <vector>

#include "jit/error.hpp"

namespace burin::kernels {
namespace {

// In the order of ScaleType.
constexpr std::string_view kScaleNames[] = {"none", "f32", "f16", "bf16", "two", "e8m0"};

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

int parse_number(std::string_view whole, std::string_view digits) {
  int number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || number < 1)
    fail("weight format '{}': '{}' is not a positive number", whole, digits);
  return number;
}

ScaleType parse_scale(std::string_view whole, std::string_view name) {
  for (const ScaleType type :
       {ScaleType::f32, ScaleType::f16, ScaleType::bf16, ScaleType::two_level, ScaleType::e8m0})
    if (kScaleNames[static_cast<std::size_t>(type)] == name) return type;
  fail("weight format '{}': scale type '{}' is unknown: use f32, f16, bf16, two or e8m0", whole, name);
}

// Which groups and values each type of scale can have. Other odd groups are left to packed_shape.
void check_scale(std::string_view whole, TableName table, int group, ScaleType scale) {
  if (scale == ScaleType::two_level && group != 16 && group != 32)
    fail("weight format '{}': two-level scales have groups of 16 or 32, not {}: use f32, f16 or bf16", whole, group);
  if (scale != ScaleType::two_level && group == 16)
    fail("weight format '{}': groups of 16 need two-level scales: write .two, or use groups of 32", whole);
  if (scale == ScaleType::e8m0 && table != TableName::e2m1)
    fail("weight format '{}': scales of e8m0 are for e2m1 only: use f32, f16, bf16 or two", whole);
}

// The table that a part of a text names; none: it names no table.
TableName find_table(std::string_view name) {
  for (std::size_t i = 1; i < std::size(kValueTables); ++i)
    if (kValueTables[i].name == name) return static_cast<TableName>(i);
  return TableName::none;
}

// "int4s"
struct IntegerName {
  int bits;
  bool symmetric;
};

IntegerName parse_integer(std::string_view whole, std::string_view name) {
  const char scheme = name.back();
  if (scheme != 's' && scheme != 'a')
    fail("weight format '{}': scheme '{}' is unknown: use s (symmetric) or a (asymmetric)", whole, scheme);
  const int bits = parse_number(whole, name.substr(3, 1));
  if (bits > 8) fail("weight format '{}': {} bits are too many: use 1 to 8", whole, bits);
  return {bits, scheme == 's'};
}

}  // namespace

int bytes_of(ScaleType type) {
  switch (type) {
    case ScaleType::none: return 0;
    case ScaleType::f32: return 4;
    case ScaleType::two_level:
    case ScaleType::e8m0: return 1;
    default: return 2;
  }
}

std::string to_text(const WeightFormat& format) {
  switch (format.kind) {
    case WeightKind::f32: return "f32";
    case WeightKind::f16: return "f16";
    case WeightKind::bf16: return "bf16";
    case WeightKind::table:
      return fmt::format("{}.g{}.{}", value_table(format.table).name, format.group,
                         kScaleNames[static_cast<std::size_t>(format.scale)]);
    default:
      return fmt::format("int{}{}.g{}.{}", format.bits, format.symmetric ? 's' : 'a', format.group,
                         kScaleNames[static_cast<std::size_t>(format.scale)]);
  }
}

WeightFormat parse_weight_format(std::string_view text) {
  for (const WeightKind kind : {WeightKind::f32, WeightKind::f16, WeightKind::bf16})
    if (text == to_text(WeightFormat::float_format(kind))) return WeightFormat::float_format(kind);
  const std::vector<std::string_view> parts = split(text, '.');
  const TableName table = find_table(parts[0]);
  const bool is_integer = parts[0].size() == 5 && parts[0].starts_with("int");
  if (parts.size() != 3 || (table == TableName::none && !is_integer) || !parts[1].starts_with('g'))
    fail("weight format '{}': unknown: write f32, f16, bf16, or like int4s.g32.f16 or nf4.g64.f32", text);
  const IntegerName integer = is_integer ? parse_integer(text, parts[0]) : IntegerName{};
  const int group = parse_number(text, parts[1].substr(1));
  const ScaleType scale = parse_scale(text, parts[2]);
  check_scale(text, table, group, scale);
  if (!is_integer) return WeightFormat::table_format(table, group, scale);
  return WeightFormat::integer_format(integer.bits, integer.symmetric, group, scale);
}

}  // namespace burin::kernels
