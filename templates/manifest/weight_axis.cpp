#include "templates/manifest/weight_axis.hpp"

#include <fmt/format.h>

#include <array>
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

void add_groups(std::vector<std::string>& formats, const std::string& code, std::string_view scale) {
  for (const int group : kGroups) formats.push_back(fmt::format("{}.g{}.{}", code, group, scale));
  formats.push_back(fmt::format("{}.row.{}", code, scale));
}

std::vector<std::string> formats(std::span<const std::string_view> scales,
                                 std::span<const std::string_view> floats) {
  std::vector<std::string> formats(floats.begin(), floats.end());
  for (const std::string& code : all_codes())
    for (const std::string_view scale : scales) add_groups(formats, code, scale);
  formats.emplace_back("e2m1.g16.e4m3");
  return formats;
}

}  // namespace

std::vector<std::string> all_weight_formats() { return formats(kScales, kFloats); }

std::vector<std::string> formats_of_prepared_rows() {
  return formats(std::array{kScales[1], kScales[4]}, std::array{kFloats[1]});
}

std::vector<std::string> few_weight_formats() {
  return {"int4s.g32.f16", "int5a.g32.two", "int8s.g128.f32", "iq4nl.g32.f16", "nf4.g64.f32", "bf16"};
}

std::vector<std::string> compute_types() { return {"s8", "s8row", "bf16", "f16", "f32"}; }

}  // namespace burin::kernels
