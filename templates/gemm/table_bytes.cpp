#include "templates/gemm/table_bytes.hpp"

#include <vector>

namespace burin::kernels {

// The table in every 128 bits, as vpshufb wants it.
Xbyak::Address TableBytes::constant(int part) const {
  std::vector<std::int32_t> words(static_cast<std::size_t>(a.lanes()));
  for (int i = 0; i < a.vector_bytes(); ++i) {
    const int code = i % 16;
    const int byte = code < table_.size() ? table_.byte(code) : 0;
    const int share = byte * (part + 1) / parts_ - byte * part / parts_;
    words[static_cast<std::size_t>(i / 4)] |=
        static_cast<std::int32_t>(static_cast<unsigned>(share) << i % 4 * 8);
  }
  return a.int32_vector_constant(words);
}

void TableBytes::keep_in(jit::Vector table, int part) {
  a.vmovups(table, constant(part));
  kept_[static_cast<std::size_t>(part)] = table;
}

void TableBytes::look_up(jit::Vector to, jit::Vector codes, int part, jit::Vector scratch) {
  const std::optional<jit::Vector>& kept = kept_[static_cast<std::size_t>(part)];
  if (!kept) a.vmovups(scratch, constant(part));
  a.vpshufb(to, kept ? *kept : scratch, codes);
}

}  // namespace burin::kernels
