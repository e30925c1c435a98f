#include "templates/probe/probe_spec.hpp"

#include "jit/spec_text.hpp"

namespace burin::kernels {
namespace {

constexpr std::string_view kNames[] = {"dot_int8", "read"};

}  // namespace

void write_field(std::string& text, const Probe& probe) { jit::write_name(text, probe, kNames); }
void read_field(std::string_view text, Probe& probe) { jit::read_name(text, probe, kNames); }

}  // namespace burin::kernels
