// Rows of what latent attention does between projections and cache: every cache and norm.
#include <algorithm>

#include "templates/manifest/rows.hpp"

namespace burin::kernels {

void add_latent_rows(ManifestRows& rows) {
  for (const KvStorage kv : kKvStorages)
    for (const RowNorm norm : {RowNorm::none, RowNorm::rms, RowNorm::layer}) {
      LatentSpec spec;
      spec.heads.kv = kv;
      spec.norm = norm;
      rows.push_back(
          {fmt::format("latent/{}/{}", field_text(kv), field_text(norm)), jit::spec_text(resized(spec, {}))});
    }
}

// A latent row of `inputs`, which DeepSeek-V2 has 512 of, and half a head rotated, in whole blocks.
LatentSpec resized(LatentSpec spec, const KernelShape& shape) {
  spec.latent = std::min<std::int64_t>(shape.inputs, 512);
  const auto places = static_cast<int>(whole_blocks(spec.latent));
  const auto rotated = static_cast<int>(whole_blocks(shape.head_size / 2));
  spec.heads = {shape.query_heads, 1, rotated + places, spec.heads.kv, places};
  spec.input_stride = spec.first_value_block() * 32;
  spec.output_stride = spec.heads.query_blocks() * 32;
  return spec;
}

}  // namespace burin::kernels
