// Rows of embedding: every weight format.
#include "templates/formats/packing.hpp"
#include "templates/manifest/rows.hpp"
#include "templates/manifest/weight_axis.hpp"

namespace burin::kernels {
namespace {

void add_rows(ManifestRows& rows, const std::vector<std::string>& formats, bool scaled) {
  EmbedSpec spec = resized(EmbedSpec(), {});
  spec.scaled = scaled;
  for (const std::string& weights : formats)
    rows.push_back({fmt::format("embed/{}{}", weights, scaled ? "/scaled" : ""),
                    spec_text_with(spec, {{"w", weights}})});
}

}  // namespace

void add_embed_rows(ManifestRows& rows) {
  add_rows(rows, all_weight_formats(), false);
  add_rows(rows, few_weight_formats(), true);
}

EmbedSpec resized(EmbedSpec spec, const KernelShape& shape) {
  spec.width = shape.inputs;
  spec.vocabulary = whole_blocks(shape.columns);
  spec.output_stride = packed_shape(spec.weights, spec.width, spec.vocabulary).padded_inputs;
  return spec;
}

}  // namespace burin::kernels
