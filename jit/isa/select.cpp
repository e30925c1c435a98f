// Which vocabulary a target gets: the first row whose feature it has.
#include "jit/error.hpp"
#include "jit/isa/avx2.hpp"
#include "jit/isa/avx512.hpp"

namespace burin::jit {
namespace {

struct IsaRow {
  Feature feature;
  std::unique_ptr<VectorIsa> (*make)(Assembler&);
};

template <typename Isa>
std::unique_ptr<VectorIsa> make(Assembler& assembler) {
  return std::make_unique<Isa>(assembler);
}

constexpr IsaRow kRows[] = {
    {Feature::avx512vnni, make<Avx512VnniIsa>},
    {Feature::avx512, make<Avx512Isa>},
    {Feature::avxvnni, make<AvxVnniIsa>},
    {Feature::avx2, make<Avx2Isa>},
};

}  // namespace

std::unique_ptr<VectorIsa> make_vector_isa(Assembler& assembler, const Target& target) {
  for (const IsaRow& row : kRows)
    if (target.has(row.feature)) return row.make(assembler);
  fail("target '{}': no AVX2: kernels need at least haswell or znver3", target.name);
}

}  // namespace burin::jit
