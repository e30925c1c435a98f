// Rows of the preparation of activations: every layout of prepared rows, every norm, gathered and not.
#include "templates/manifest/rows.hpp"
#include "templates/manifest/weight_axis.hpp"

namespace burin::kernels {
namespace {

void add_rows(ManifestRows& rows, const std::vector<std::string>& formats, RowNorm norm, bool gather) {
  PrepareSpec spec = resized(PrepareSpec(), {});
  spec.norm = norm;
  spec.gather = gather;
  for (const std::string& weights : formats)
    for (const std::string& compute : compute_types())
      rows.push_back(
          {fmt::format("prepare/{}/{}/{}{}", weights, compute, field_text(norm), gather ? "/gather" : ""),
           spec_text_with(spec, {{"w", weights}, {"a", compute}})});
}

}  // namespace

void add_prepare_rows(ManifestRows& rows) {
  add_rows(rows, formats_of_prepared_rows(), RowNorm::none, false);
  for (const RowNorm norm : {RowNorm::rms, RowNorm::layer}) add_rows(rows, few_weight_formats(), norm, false);
  for (const RowNorm norm : {RowNorm::none, RowNorm::rms, RowNorm::layer})
    add_rows(rows, few_weight_formats(), norm, true);
}

PrepareSpec resized(PrepareSpec spec, const KernelShape& shape) {
  spec.inputs = shape.inputs;
  // Rows are read up to the padded length, which is the same for all compute types.
  spec.input_stride = activation_rows(Activation::f32, shape.inputs, spec.weights).padded;
  return spec;
}

}  // namespace burin::kernels
