#include "tools/kernel_names.hpp"

#include "jit/error.hpp"
#include "jit/spec_text.hpp"

namespace burin::tools {
namespace {

// One of the kinds that plans have; `kinds` collects them for the message.
template <typename Spec>
bool try_parse(const std::string& name, graph::KernelSpec& spec, std::string& kinds) {
  kinds += fmt::format("{}{}-", kinds.empty() ? "" : ", ", Spec::kKind);
  if (!name.starts_with(std::string(Spec::kKind) + "-")) return false;
  spec = jit::parse_spec<Spec>(name);
  return true;
}

template <typename... Specs>
graph::KernelSpec parse_any(const std::string& name, std::variant<Specs...> spec) {
  std::string kinds;
  if ((try_parse<Specs>(name, spec, kinds) || ...)) return spec;
  fail("kernel '{}': unknown kind: names begin with {} (see burin plan MODEL)", printable(name), kinds);
}

}  // namespace

graph::KernelSpec parse_kernel_name(const std::string& name) { return parse_any(name, graph::KernelSpec()); }

}  // namespace burin::tools
