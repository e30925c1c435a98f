#include "jit/target.hpp"

#include <array>

#include "jit/error.hpp"
#include "jit/host_features.hpp"

namespace burin::jit {
namespace {

using enum Feature;

struct FeatureRow {
  Feature feature;
  std::string_view name;
  std::string_view implies;  // one feature; chains follow
};

constexpr std::array kFeatures = {
    FeatureRow{avx2, "avx2", ""},
    FeatureRow{avxvnni, "avxvnni", "avx2"},
    FeatureRow{avx512, "avx512", "avx2"},
    FeatureRow{avx512vnni, "avx512vnni", "avx512"},
    FeatureRow{avx512bf16, "avx512bf16", "avx512"},
    FeatureRow{avx512fp16, "avx512fp16", "avx512"},
    FeatureRow{avx512vbmi, "avx512vbmi", "avx512"},
    FeatureRow{gfni, "gfni", "avx2"},
    FeatureRow{amx_int8, "amx-int8", "avx512vnni"},
    FeatureRow{amx_bf16, "amx-bf16", "avx512bf16"},
    FeatureRow{amx_fp16, "amx-fp16", "avx512fp16"},
};

// Names that mean a part of another feature's bundle; accepted so that full lists can be written.
constexpr std::array<std::pair<std::string_view, Feature>, 8> kAliases = {{
    {"fma", avx2},
    {"f16c", avx2},
    {"avx512f", avx512},
    {"avx512bw", avx512},
    {"avx512vl", avx512},
    {"avx512dq", avx512},
    {"amx-tile", amx_int8},
    {"avx512-bf16", avx512bf16},
}};

constexpr std::array kTargets = {
    NamedTarget{"haswell", "avx2"},
    NamedTarget{"znver3", "avx2"},
    NamedTarget{"alderlake", "avxvnni,gfni"},
    NamedTarget{"skylake-avx512", "avx512"},
    NamedTarget{"cascadelake", "avx512vnni"},
    NamedTarget{"cooperlake", "avx512vnni,avx512bf16"},
    NamedTarget{"icelake-server", "avx512vnni,avx512vbmi,gfni"},
    NamedTarget{"znver4", "avx512vnni,avx512bf16,avx512vbmi,gfni"},
    NamedTarget{"znver5", "avx512vnni,avx512bf16,avx512vbmi,gfni,avxvnni"},
    NamedTarget{"sapphirerapids",
                "avx512vnni,avx512bf16,avx512vbmi,gfni,avxvnni,avx512fp16,amx-int8,amx-bf16"},
    NamedTarget{"graniterapids",
                "avx512vnni,avx512bf16,avx512vbmi,gfni,avxvnni,avx512fp16,amx-int8,amx-bf16,amx-fp16"},
};

const FeatureRow* find_feature(std::string_view name) {
  for (const FeatureRow& row : kFeatures)
    if (row.name == name) return &row;
  for (const auto& [alias, feature] : kAliases)
    if (alias == name)
      for (const FeatureRow& row : kFeatures)
        if (row.feature == feature) return &row;
  return nullptr;
}

std::string known_names() {
  std::string names;
  for (const NamedTarget& t : kTargets) names += fmt::format("{}{}", names.empty() ? "" : ", ", t.name);
  names += "; or a list of";
  for (const FeatureRow& row : kFeatures) names += fmt::format(" {}", row.name);
  return names;
}

FeatureSet parse_features(std::string_view list, std::string_view whole) {
  FeatureSet set;
  while (true) {
    const std::size_t comma = list.find(',');
    const std::string_view name = list.substr(0, comma);
    const FeatureRow* row = find_feature(name);
    if (row == nullptr)
      fail("target '{}': '{}' is neither a CPU nor a feature: use detect, {}", whole, name, known_names());
    for (; row != nullptr; row = find_feature(row->implies)) set.add(row->feature);
    if (comma == std::string_view::npos) return set;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace

std::string to_text(FeatureSet features) {
  std::string text;
  for (const FeatureRow& row : kFeatures)
    if (features.has(row.feature)) text += fmt::format("{}{}", text.empty() ? "" : ",", row.name);
  return text;
}

std::span<const NamedTarget> known_targets() { return kTargets; }

Target parse_target(std::string_view text) {
  if (text == "detect") return host_target();
  for (const NamedTarget& t : kTargets)
    if (t.name == text) return {std::string(text), parse_features(t.features, text)};
  return {std::string(text), parse_features(text, text)};
}

Target host_target() {
  const FeatureSet host = host_features();
  if (!host.has(avx2))
    fail("this CPU: no AVX2 with FMA and F16C: Burin runs on Haswell (2013), Zen (2017) and later");
  Target best;
  for (const NamedTarget& t : kTargets) {
    const FeatureSet features = parse_features(t.features, t.name);
    if (host.contains(features)) best = {std::string(t.name), features};
  }
  best.features = host;
  return best;
}

void require_host_can_run(const Target& target) {
  const FeatureSet missing = target.features.without(host_features());
  if (!missing.empty())
    fail("target '{}': this CPU lacks {}: use --target detect (it is {})", target.name, to_text(missing),
         host_target().name);
}

}  // namespace burin::jit
