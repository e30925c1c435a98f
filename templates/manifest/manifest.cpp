#include "templates/manifest/manifest.hpp"

#include "jit/error.hpp"
#include "templates/manifest/rows.hpp"

namespace burin::kernels {

std::vector<ManifestRow> manifest() {
  ManifestRows rows;
  for (const auto add : {add_gemm_rows, add_prepare_rows, add_embed_rows, add_attention_rows, add_heads_rows,
                         add_latent_rows, add_rowwise_rows, add_route_rows})
    add(rows);
  return rows;
}

std::string refusal_of(const ManifestRow& row, const jit::Target& target) {
  try {
    emit_kernel(parse_kernel_name(row.kernel), target);
    return {};
  } catch (const Error& error) {
    return error.what();
  }
}

KernelSpec with_shape(const KernelSpec& spec, const KernelShape& shape) {
  return std::visit([&](const auto& s) { return KernelSpec(resized(s, shape)); }, spec);
}

HeadLayout resized(HeadLayout heads, const KernelShape& shape) {
  const bool has_one = heads.kv_heads == 1;
  const bool has_each = heads.kv_heads == heads.query_heads;
  heads.query_heads = shape.query_heads;
  heads.kv_heads = has_one ? 1 : has_each ? shape.query_heads : shape.kv_heads;
  heads.head_size = shape.head_size;
  return heads;
}

}  // namespace burin::kernels
