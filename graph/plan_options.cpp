#include "graph/plan_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <span>

#include "jit/error.hpp"

namespace burin::graph {
namespace {

// In the order of the enumerators.
constexpr std::string_view kComputeTypes[] = {"auto", "int8", "int8-row", "int8-bf16", "bf16", "f16", "f32"};
constexpr std::string_view kKvTypes[] = {"auto", "f32", "f16", "bf16", "int8"};

template <typename Type>
Type parse_name(std::string_view option, std::string_view text, std::span<const std::string_view> names) {
  const auto at = std::find(names.begin(), names.end(), text);
  if (at == names.end())
    fail("{} '{}': unknown: use {} or {}", option, text, fmt::join(names.first(names.size() - 1), ", "),
         names.back());
  return static_cast<Type>(at - names.begin());
}

}  // namespace

ComputeType parse_compute_type(std::string_view text) {
  return parse_name<ComputeType>("--compute", text, kComputeTypes);
}

KvType parse_kv_type(std::string_view text) { return parse_name<KvType>("--kv", text, kKvTypes); }

std::string to_text(ComputeType type) { return std::string(kComputeTypes[static_cast<std::size_t>(type)]); }

std::string to_text(KvType type) { return std::string(kKvTypes[static_cast<std::size_t>(type)]); }

}  // namespace burin::graph
