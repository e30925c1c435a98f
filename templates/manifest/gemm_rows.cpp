// Rows of the dequant-GEMM: every weight format and compute type, one row (stream) and many (tiles); every prologue
// and epilogue with a few formats of each kind.
#include "templates/formats/packing.hpp"
#include "templates/manifest/rows.hpp"
#include "templates/manifest/weight_axis.hpp"

namespace burin::kernels {
namespace {

constexpr GemmRegime kRegimes[] = {GemmRegime::stream, GemmRegime::tiles};

// A prologue or an epilogue: what it is called, and the fields that make it.
struct Variant {
  std::string name;
  GemmSpec spec;
};

Variant epilogue(GemmEpilogue which, ActivationFunction function = ActivationFunction::none) {
  Variant variant = {field_text(which), {}};
  variant.spec.epilogue = which;
  variant.spec.function = function;
  if (function != ActivationFunction::none) variant.name += "/" + field_text(function);
  return variant;
}

Variant rope_kv(KvStorage kv) {
  Variant variant = epilogue(GemmEpilogue::rope_kv);
  variant.spec.heads = grouped_heads(kv);
  variant.name += "/" + field_text(kv);
  return variant;
}

std::vector<Variant> variants() {
  std::vector<Variant> all;
  for (const GemmEpilogue which : {GemmEpilogue::add, GemmEpilogue::clamped_gate, GemmEpilogue::add_scaled})
    all.push_back(epilogue(which));
  for (const GemmEpilogue which : {GemmEpilogue::activate, GemmEpilogue::gate})
    for (const ActivationFunction function : kActivationFunctions) all.push_back(epilogue(which, function));
  for (const KvStorage kv : kKvStorages) all.push_back(rope_kv(kv));
  for (const RowNorm norm : {RowNorm::rms, RowNorm::layer}) {
    all.push_back({field_text(norm), {}});
    all.back().spec.norm = norm;
  }
  all.push_back({"bias", {}});
  all.back().spec.bias = true;
  all.push_back({"scaled", {}});
  all.back().spec.scaled = true;
  return all;
}

void add_rows(ManifestRows& rows, const std::vector<std::string>& formats, const Variant& variant) {
  GemmSpec spec = resized(variant.spec, {});
  for (const std::string& weights : formats)
    for (const std::string& compute : compute_types())
      for (const GemmRegime regime : kRegimes) {
        spec.regime = regime;
        rows.push_back({fmt::format("gemm/{}/{}/{}/{}", weights, compute, field_text(regime), variant.name),
                        spec_text_with(spec, {{"w", weights}, {"a", compute}})});
      }
}

}  // namespace

void add_gemm_rows(ManifestRows& rows) {
  add_rows(rows, all_weight_formats(), epilogue(GemmEpilogue::store));
  for (const Variant& variant : variants()) add_rows(rows, few_weight_formats(), variant);
}

GemmSpec resized(GemmSpec spec, const KernelShape& shape) {
  spec.inputs = shape.inputs;
  spec.columns = whole_blocks(shape.columns);
  spec.output_stride = halves_columns(spec.epilogue) ? spec.columns / 2 : spec.columns;
  if (spec.epilogue != GemmEpilogue::rope_kv) return spec;
  spec.heads = resized(spec.heads, shape);
  spec.columns = spec.heads.blocks() * kBlockColumns;
  spec.output_stride = spec.heads.query_blocks() * kBlockColumns;
  return spec;
}

}  // namespace burin::kernels
