#include "templates/kernel_spec.hpp"

#include "jit/error.hpp"
#include "jit/spec_text.hpp"

namespace burin::kernels {
namespace {

// One of the kinds there are; `kinds` collects them for the message.
template <typename Spec>
bool try_parse(const std::string& name, KernelSpec& spec, std::string& kinds) {
  kinds += fmt::format("{}{}-", kinds.empty() ? "" : ", ", Spec::kKind);
  if (!name.starts_with(std::string(Spec::kKind) + "-")) return false;
  spec = jit::parse_spec<Spec>(name);
  return true;
}

template <typename... Specs>
KernelSpec parse_any(const std::string& name, std::variant<Specs...> spec) {
  std::string kinds;
  if ((try_parse<Specs>(name, spec, kinds) || ...)) return spec;
  fail("kernel '{}': unknown kind: names begin with {} (see burin kernel ls)", printable(name), kinds);
}

}  // namespace

std::string kernel_name(const KernelSpec& spec) {
  return std::visit([](const auto& s) { return jit::spec_text(s); }, spec);
}

KernelSpec parse_kernel_name(const std::string& name) { return parse_any(name, KernelSpec()); }

std::string_view kind_of(const KernelSpec& spec) {
  return std::visit([](const auto& s) { return std::remove_cvref_t<decltype(s)>::kKind; }, spec);
}

}  // namespace burin::kernels
