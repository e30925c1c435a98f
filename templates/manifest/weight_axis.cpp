#include "templates/manifest/weight_axis.hpp"

#include <fmt/format.h>

#include <iterator>
#include <span>
#include <string_view>

#include "templates/formats/tables.hpp"

namespace burin::kernels {
namespace {

constexpr int kGroups[] = {16, 32, 64, 128, 256, 512, 1024};
constexpr std::string_view kScales[] = {"f32", "f16", "bf16", "e8m0", "two"};
constexpr std::string_view kEight[] = {"e4m3", "e5m2"};
constexpr std::string_view kFloats[] = {"f32", "f16", "bf16"};

// What comes before the first dot.
std::vector<std::string> all_codes() {
  std::vector<std::string> codes;
  for (int bits = 1; bits <= 8; ++bits)
    for (const char scheme : {'s', 'a'}) codes.push_back(fmt::format("int{}{}", bits, scheme));
  for (std::size_t table = 1; table < std::size(kValueTables); ++table)
    codes.emplace_back(kValueTables[table].name);
  codes.insert(codes.end(), std::begin(kEight), std::end(kEight));
  return codes;
}

void add_groups(std::vector<NamedFormat>& formats, const std::string& code, std::string_view scale,
                std::int64_t inputs) {
  for (const int group : kGroups) {
    const std::string text = fmt::format("{}.g{}.{}", code, group, scale);
    formats.push_back({text, text});
  }
  formats.push_back({fmt::format("{}.row.{}", code, scale), fmt::format("{}.g{}.{}", code, inputs, scale)});
}

std::vector<NamedFormat> formats(std::int64_t inputs, std::span<const std::string_view> scales,
                                 std::span<const std::string_view> floats) {
  std::vector<NamedFormat> formats;
  for (const std::string_view name : floats) formats.push_back({std::string(name), std::string(name)});
  for (const std::string& code : all_codes())
    for (const std::string_view scale : scales) add_groups(formats, code, scale, inputs);
  return formats;
}

}  // namespace

std::vector<NamedFormat> all_weight_formats(std::int64_t inputs) { return formats(inputs, kScales, kFloats); }

std::vector<NamedFormat> formats_of_prepared_rows(std::int64_t inputs) {
  return formats(inputs, std::array{kScales[1], kScales[4]}, std::array{kFloats[1]});
}

std::vector<NamedFormat> few_weight_formats() {
  std::vector<NamedFormat> few;
  for (const char* text :
       {"int4s.g32.f16", "int5a.g32.two", "int8s.g128.f32", "iq4nl.g32.f16", "nf4.g64.f32", "bf16"})
    few.push_back({text, text});
  return few;
}

std::vector<std::string> compute_types() { return {"s8", "s8row", "bf16", "f16", "f32"}; }

}  // namespace burin::kernels
