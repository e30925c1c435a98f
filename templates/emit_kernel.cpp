#include "jit/overload.hpp"
#include "templates/kernel_spec.hpp"

namespace burin::kernels {

jit::CodeImage emit_kernel(const KernelSpec& spec, const jit::Target& target) {
  return std::visit(jit::Overload{
                        [&](const EmbedSpec& s) { return emit_embed(s, target); },
                        [&](const PrepareSpec& s) { return emit_prepare(s, target); },
                        [&](const GemmSpec& s) { return emit_gemm(s, target); },
                        [&](const AttentionSpec& s) { return emit_attention(s, target); },
                        [&](const HeadsSpec& s) { return emit_heads(s, target); },
                        [&](const LatentSpec& s) { return emit_latent(s, target); },
                        [&](const RowwiseSpec& s) { return emit_rowwise(s, target); },
                        [&](const RouteSpec& s) { return emit_route(s, target); },
                    },
                    spec);
}

}  // namespace burin::kernels
