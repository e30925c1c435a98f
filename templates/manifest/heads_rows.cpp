// Rows of heads between projection and cache: every cache, norm and unit, and clipping.
#include "templates/manifest/rows.hpp"

namespace burin::kernels {

void add_heads_rows(ManifestRows& rows) {
  for (const KvStorage kv : kKvStorages)
    for (const RowNorm norm : {RowNorm::none, RowNorm::rms, RowNorm::layer})
      for (const HeadNormUnit unit : {HeadNormUnit::head, HeadNormUnit::part})
        for (const bool clip : {false, true}) {
          HeadsSpec spec;
          spec.heads = grouped_heads(kv);
          spec.norm = norm;
          spec.unit = unit;
          spec.clip = clip;
          rows.push_back({fmt::format("heads/{}/{}/{}{}", field_text(kv), field_text(norm), field_text(unit),
                                      clip ? "/clip" : ""),
                          jit::spec_text(resized(spec, {}))});
        }
}

HeadsSpec resized(HeadsSpec spec, const KernelShape& shape) {
  spec.heads = resized(spec.heads, shape);
  spec.input_stride = spec.heads.blocks() * 32;
  spec.output_stride = spec.heads.query_blocks() * 32;
  return spec;
}

}  // namespace burin::kernels
