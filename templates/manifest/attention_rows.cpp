// Rows of attention: every grouping of heads, cache and arithmetic, with every rule of scores.
#include "templates/manifest/rows.hpp"

namespace burin::kernels {
namespace {

// Latent attention (DeepSeek-V2): values are the keys without their rotated elements.
constexpr int kRotated = 32;

constexpr AttentionMath kMaths[] = {AttentionMath::f32, AttentionMath::bf16, AttentionMath::amx,
                                    AttentionMath::int8, AttentionMath::int16};

struct Grouping {
  std::string_view name;
  HeadLayout heads;
};
constexpr Grouping kGroupings[] = {{"mha", {2, 2, 2}},
                                   {"gqa", {4, 2, 2}},
                                   {"mqa", {2, 1, 2}},
                                   {"latent", {2, 1, 2 * kRotated, {}, kRotated}}};

struct Rule {
  std::string_view name;
  void (*apply)(AttentionSpec& spec);
};
constexpr Rule kRules[] = {{"plain", [](AttentionSpec&) {}},
                           {"window", [](AttentionSpec& spec) { spec.window = 300; }},
                           {"cap", [](AttentionSpec& spec) { spec.soft_cap = true; }},
                           {"alibi", [](AttentionSpec& spec) { spec.alibi = true; }},
                           {"sinks", [](AttentionSpec& spec) { spec.sinks = true; }},
                           {"factors", [](AttentionSpec& spec) { spec.factors = true; }},
                           {"parts", [](AttentionSpec& spec) { spec.parts = true; }},
                           {"all", [](AttentionSpec& spec) {
                              spec.window = 300;
                              spec.soft_cap = spec.alibi = spec.sinks = spec.factors = spec.parts = true;
                            }}};

}  // namespace

void add_attention_rows(ManifestRows& rows) {
  for (const Grouping& grouping : kGroupings)
    for (const KvStorage kv : kKvStorages)
      for (const AttentionMath math : kMaths)
        for (const Rule& rule : kRules) {
          AttentionSpec spec;
          spec.heads = grouping.heads;
          spec.heads.kv = kv;
          spec.math = math;
          rule.apply(spec);
          rows.push_back({fmt::format("attention/{}/{}/{}/{}", grouping.name, field_text(kv),
                                      field_text(math), rule.name),
                          jit::spec_text(resized(spec, {}))});
        }
}

AttentionSpec resized(AttentionSpec spec, const KernelShape& shape) {
  spec.heads = resized(spec.heads, shape);
  if (spec.heads.value_size > 0) spec.heads.value_size = std::max(2, spec.heads.head_size - kRotated);
  return spec;
}

}  // namespace burin::kernels
