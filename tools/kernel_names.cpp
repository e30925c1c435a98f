#include "tools/kernel_names.hpp"

#include "jit/error.hpp"
#include "jit/spec_text.hpp"

namespace burin::tools {
namespace {

template <typename Spec>
bool try_parse(const std::string& name, graph::KernelSpec& spec) {
  if (!name.starts_with(std::string(Spec::kKind) + "-")) return false;
  spec = jit::parse_spec<Spec>(name);
  return true;
}

}  // namespace

graph::KernelSpec parse_kernel_name(const std::string& name) {
  graph::KernelSpec spec;
  if (try_parse<kernels::GemmSpec>(name, spec) || try_parse<kernels::PrepareSpec>(name, spec) ||
      try_parse<kernels::AttentionSpec>(name, spec) || try_parse<kernels::EmbedSpec>(name, spec))
    return spec;
  fail(
      "kernel '{}': unknown kind: names begin with gemm-, prepare-, attention- or embed- (see burin plan "
      "MODEL)",
      printable(name));
}

}  // namespace burin::tools
