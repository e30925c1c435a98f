// A kernel of any kind: its spec, its name, its code.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "jit/code_image.hpp"
#include "jit/target.hpp"
#include "templates/attention/attention_spec.hpp"
#include "templates/embed/embed_spec.hpp"
#include "templates/gemm/gemm_spec.hpp"
#include "templates/heads/heads_spec.hpp"
#include "templates/latent/latent_spec.hpp"
#include "templates/prepare/prepare_spec.hpp"
#include "templates/route/route_spec.hpp"
#include "templates/rowwise/rowwise_spec.hpp"

namespace burin::kernels {

using KernelSpec = std::variant<EmbedSpec, PrepareSpec, GemmSpec, AttentionSpec, HeadsSpec, LatentSpec,
                                RowwiseSpec, RouteSpec>;

// The canonical text.
std::string kernel_name(const KernelSpec& spec);
// Its inverse. Throws burin::Error naming what is wrong with the name.
KernelSpec parse_kernel_name(const std::string& name);
std::string_view kind_of(const KernelSpec& spec);  // "embed", "prepare", "gemm", ...

// Throws burin::Error naming what no kernel can do; without the emitter, jit::MissingKernel.
jit::CodeImage emit_kernel(const KernelSpec& spec, const jit::Target& target);

}  // namespace burin::kernels
