#include "templates/heads/heads_spec.hpp"

#include "jit/spec_text.hpp"

namespace burin::kernels {
namespace {

constexpr std::string_view kUnits[] = {"head", "part"};

}  // namespace

void write_field(std::string& text, const HeadNormUnit& unit) { jit::write_name(text, unit, kUnits); }
void read_field(std::string_view text, HeadNormUnit& unit) { jit::read_name(text, unit, kUnits); }

}  // namespace burin::kernels
