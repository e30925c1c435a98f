// What the files of the manifest share: one list of rows and one way to resize specs per kind.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "jit/spec_text.hpp"
#include "templates/manifest/manifest.hpp"

namespace burin::kernels {

using ManifestRows = std::vector<ManifestRow>;

// Each in the file of its kind.
void add_gemm_rows(ManifestRows& rows);
void add_prepare_rows(ManifestRows& rows);
void add_embed_rows(ManifestRows& rows);
void add_attention_rows(ManifestRows& rows);
void add_heads_rows(ManifestRows& rows);
void add_latent_rows(ManifestRows& rows);
void add_rowwise_rows(ManifestRows& rows);
void add_route_rows(ManifestRows& rows);

GemmSpec resized(GemmSpec spec, const KernelShape& shape);
PrepareSpec resized(PrepareSpec spec, const KernelShape& shape);
EmbedSpec resized(EmbedSpec spec, const KernelShape& shape);
AttentionSpec resized(AttentionSpec spec, const KernelShape& shape);
HeadsSpec resized(HeadsSpec spec, const KernelShape& shape);
LatentSpec resized(LatentSpec spec, const KernelShape& shape);
RowwiseSpec resized(RowwiseSpec spec, const KernelShape& shape);
RouteSpec resized(RouteSpec spec, const KernelShape& shape);

// Heads of another size, grouped as they were.
HeadLayout resized(HeadLayout heads, const KernelShape& shape);

// What rows have one each of.
inline constexpr KvStorage kKvStorages[] = {KvStorage::f32, KvStorage::f16, KvStorage::bf16, KvStorage::int8};
inline constexpr ActivationFunction kActivationFunctions[] = {
    ActivationFunction::silu, ActivationFunction::gelu_tanh, ActivationFunction::gelu_erf,
    ActivationFunction::relu, ActivationFunction::relu_squared};

// Several query heads to each of several KV heads; to be resized.
inline HeadLayout grouped_heads(KvStorage kv) { return {4, 2, 2, kv}; }

constexpr std::int64_t whole_blocks(std::int64_t columns) { return (columns + 31) / 32 * 32; }

// A field as it is written in a kernel's name.
struct WrittenField {
  std::string_view key;
  std::string text;
};

// spec_text, but for fields that are written in words of their own: those of a value that has no spec yet.
template <typename Spec>
std::string spec_text_with(const Spec& spec, std::initializer_list<WrittenField> written) {
  std::string text(Spec::kKind);
  visit_fields(spec, [&](std::string_view key, const auto& value) {
    text += fmt::format("-{}.", key);
    for (const WrittenField& field : written)
      if (field.key == key) {
        text += field.text;
        return;
      }
    using jit::write_field;
    write_field(text, value);
  });
  return text;
}

// The text of a field's value: "gelu_tanh".
template <typename Value>
std::string field_text(const Value& value) {
  std::string text;
  using jit::write_field;
  write_field(text, value);
  return text;
}

}  // namespace burin::kernels
