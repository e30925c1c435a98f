// In the place of all emitters where there are none (BURIN_EMITTER=OFF).
#include "jit/kernel_store.hpp"
#include "jit/spec_text.hpp"
#include "templates/attention/attention_spec.hpp"
#include "templates/embed/embed_spec.hpp"
#include "templates/emitters.hpp"
#include "templates/gemm/gemm_spec.hpp"
#include "templates/heads/heads_spec.hpp"
#include "templates/latent/latent_spec.hpp"
#include "templates/prepare/prepare_spec.hpp"
#include "templates/probe/probe_spec.hpp"
#include "templates/route/route_spec.hpp"
#include "templates/rowwise/rowwise_spec.hpp"

namespace burin::kernels {
namespace {

template <typename Spec>
[[noreturn]] void refuse(const Spec& spec, const jit::Target& target) {
  throw jit::MissingKernel(fmt::format(
      "kernel {} for {}: this Burin was built without the emitter: make it with burin pregen of a "
      "full build",
      jit::spec_text(spec), target.name));
}

}  // namespace

bool has_emitters() { return false; }

jit::CodeImage emit_attention(const AttentionSpec& spec, const jit::Target& target) { refuse(spec, target); }
jit::CodeImage emit_embed(const EmbedSpec& spec, const jit::Target& target) { refuse(spec, target); }
jit::CodeImage emit_gemm(const GemmSpec& spec, const jit::Target& target) { refuse(spec, target); }
jit::CodeImage emit_heads(const HeadsSpec& spec, const jit::Target& target) { refuse(spec, target); }
jit::CodeImage emit_latent(const LatentSpec& spec, const jit::Target& target) { refuse(spec, target); }
jit::CodeImage emit_prepare(const PrepareSpec& spec, const jit::Target& target) { refuse(spec, target); }
jit::CodeImage emit_probe(const ProbeSpec& spec, const jit::Target& target) { refuse(spec, target); }
jit::CodeImage emit_route(const RouteSpec& spec, const jit::Target& target) { refuse(spec, target); }
jit::CodeImage emit_rowwise(const RowwiseSpec& spec, const jit::Target& target) { refuse(spec, target); }

std::int64_t dot_probe_macs_per_round(const jit::Target& target) {
  refuse(ProbeSpec{Probe::dot_int8}, target);
}

}  // namespace burin::kernels
