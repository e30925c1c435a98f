#include "templates/formats/weight_format.hpp"

#include <charconv>
#include <iterator>
#include <optional>
#include <vector>

#include "jit/error.hpp"

namespace burin::kernels {
namespace {

// In the order of WeightKind; integers and tables are called by what they are of.
constexpr std::string_view kKindNames[] = {"", "", "e4m3", "e5m2", "f16", "bf16", "f32"};
// In the order of ScaleType.
constexpr std::string_view kScaleNames[] = {"none", "f32", "f16", "bf16", "two", "e8m0", "e4m3"};

constexpr std::string_view kWholeRowName = "row";

std::string group_text(int group) {
  return group == kWholeRow ? std::string(kWholeRowName) : fmt::format("g{}", group);
}

std::string_view name_of(WeightKind kind) { return kKindNames[static_cast<std::size_t>(kind)]; }

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
  for (const ScaleType type : {ScaleType::f32, ScaleType::f16, ScaleType::bf16, ScaleType::two_level,
                               ScaleType::e8m0, ScaleType::e4m3})
    if (kScaleNames[static_cast<std::size_t>(type)] == name) return type;
  fail("weight format '{}': scale type '{}' is unknown: use f32, f16, bf16, two, e8m0 or e4m3", whole, name);
}

// Which groups and values each type of scale can have. Other odd groups are left to packed_shape.
void check_scale(std::string_view whole, const WeightFormat& format) {
  const ScaleType scale = format.scale;
  const int group = format.group;
  if (scale == ScaleType::two_level && format.is_fp8())
    fail("weight format '{}': two-level scales are not for fp8: use f32, f16, bf16 or e8m0", whole);
  if (scale == ScaleType::two_level && group != 16 && group != 32)
    fail("weight format '{}': two-level scales have groups of 16 or 32, not {}: use f32, f16 or bf16", whole,
         group_text(group));
  if (scale == ScaleType::e8m0 && format.table != TableName::e2m1 && !format.is_fp8())
    fail("weight format '{}': scales of e8m0 are for e2m1, e4m3 and e5m2 only: use f32, f16, bf16 or two",
         whole);
  if (scale == ScaleType::e4m3 && (format.table != TableName::e2m1 || group != 16))
    fail("weight format '{}': scales of e4m3 are for e2m1 in groups of 16 only: use e2m1.g16.e4m3", whole);
}

// The table that a part of a text names; none: it names no table.
TableName find_table(std::string_view name) {
  for (std::size_t i = 1; i < std::size(kValueTables); ++i)
    if (kValueTables[i].name == name) return static_cast<TableName>(i);
  return TableName::none;
}

// "int4s"
WeightFormat parse_integer(std::string_view whole, std::string_view name) {
  const char scheme = name.back();
  if (scheme != 's' && scheme != 'a')
    fail("weight format '{}': scheme '{}' is unknown: use s (symmetric) or a (asymmetric)", whole, scheme);
  const int bits = parse_number(whole, name.substr(3, 1));
  if (bits > 8) fail("weight format '{}': {} bits are too many: use 1 to 8", whole, bits);
  return WeightFormat::integer_format(bits, scheme == 's', 0, ScaleType::none);
}

// The kind of value that the first part of a text names, still without group and scale.
std::optional<WeightFormat> parse_values(std::string_view whole, std::string_view name) {
  if (const TableName table = find_table(name); table != TableName::none)
    return WeightFormat::table_format(table, 0, ScaleType::none);
  for (const WeightKind kind : {WeightKind::e4m3, WeightKind::e5m2})
    if (name == name_of(kind)) return WeightFormat::fp8_format(kind, 0, ScaleType::none);
  if (name.size() == 5 && name.starts_with("int")) return parse_integer(whole, name);
  return std::nullopt;
}

std::string values_text(const WeightFormat& format) {
  if (format.is_table()) return std::string(value_table(format.table).name);
  if (format.is_fp8()) return std::string(name_of(format.kind));
  return fmt::format("int{}{}", format.bits, format.symmetric ? 's' : 'a');
}

}  // namespace

int bytes_of(ScaleType type) {
  switch (type) {
    case ScaleType::none: return 0;
    case ScaleType::f32: return 4;
    case ScaleType::two_level:
    case ScaleType::e8m0:
    case ScaleType::e4m3: return 1;
    default: return 2;
  }
}

std::string to_text(const WeightFormat& format) {
  if (!format.has_codes()) return std::string(name_of(format.kind));
  return fmt::format("{}.{}.{}", values_text(format), group_text(format.group),
                     kScaleNames[static_cast<std::size_t>(format.scale)]);
}

WeightFormat parse_weight_format(std::string_view text) {
  for (const WeightKind kind : {WeightKind::f32, WeightKind::f16, WeightKind::bf16})
    if (text == name_of(kind)) return WeightFormat::float_format(kind);
  const std::vector<std::string_view> parts = split(text, '.');
  const bool has_parts = parts.size() == 3 && (parts[1].starts_with('g') || parts[1] == kWholeRowName);
  const std::optional<WeightFormat> values =
      has_parts ? parse_values(text, parts[0]) : std::optional<WeightFormat>();
  if (!values)
    fail("weight format '{}': unknown: write f32, f16, bf16, or like int4s.g32.f16 or nf4.g64.f32", text);
  WeightFormat format = *values;
  format.group = parts[1] == kWholeRowName ? kWholeRow : parse_number(text, parts[1].substr(1));
  format.scale = parse_scale(text, parts[2]);
  check_scale(text, format);
  return format;
}

}  // namespace burin::kernels
