#include "templates/rowwise/rowwise_spec.hpp"

#include "jit/spec_text.hpp"

namespace burin::kernels {
namespace {

constexpr std::string_view kNames[] = {"norm", "activate", "add", "multiply", "scale", "clip", "soft_cap"};

}  // namespace

void write_field(std::string& text, const RowOperation& operation) {
  jit::write_name(text, operation, kNames);
}
void read_field(std::string_view text, RowOperation& operation) { jit::read_name(text, operation, kNames); }

}  // namespace burin::kernels
