#include "templates/prepare/row_norm.hpp"

#include "jit/spec_text.hpp"

namespace burin::kernels {
namespace {

constexpr std::string_view kNames[] = {"none", "rms", "layer"};

}  // namespace

void write_field(std::string& text, const RowNorm& norm) { jit::write_name(text, norm, kNames); }
void read_field(std::string_view text, RowNorm& norm) { jit::read_name(text, norm, kNames); }

}  // namespace burin::kernels
