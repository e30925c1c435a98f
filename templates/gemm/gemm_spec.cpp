#include "templates/gemm/gemm_spec.hpp"

#include "jit/spec_text.hpp"

namespace burin::kernels {
namespace {

constexpr std::string_view kRegimes[] = {"stream", "tiles"};
constexpr std::string_view kEpilogues[] = {"store",   "add",          "activate",  "gate",
                                           "rope_kv", "clamped_gate", "add_scaled"};

}  // namespace

void write_field(std::string& text, const GemmRegime& regime) { jit::write_name(text, regime, kRegimes); }
void read_field(std::string_view text, GemmRegime& regime) { jit::read_name(text, regime, kRegimes); }
void write_field(std::string& text, const GemmEpilogue& epilogue) {
  jit::write_name(text, epilogue, kEpilogues);
}
void read_field(std::string_view text, GemmEpilogue& epilogue) { jit::read_name(text, epilogue, kEpilogues); }

}  // namespace burin::kernels
