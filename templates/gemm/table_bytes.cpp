#include "templates/gemm/table_bytes.hpp"

#include <cstdlib>
#include <vector>

namespace burin::kernels {

namespace {

int part_of(const ValueTable& table, int code, TablePart part) {
  const int byte = table.byte(code);
  switch (part) {
    case TablePart::whole: return byte;
    case TablePart::first_half: return byte / 2;
    case TablePart::second_half: return byte - byte / 2;
    case TablePart::magnitude: return std::abs(byte - table.zero_point());
    case TablePart::signed_value: return byte - table.zero_point();
  }
  return 0;
}

}  // namespace

// The table in every 128 bits, as vpshufb wants it.
Xbyak::Address TableBytes::constant(int part) const {
  std::vector<std::int32_t> words(static_cast<std::size_t>(a.lanes()));
  for (int i = 0; i < a.vector_bytes(); ++i) {
    const int code = i % 16;
    if (code >= table_.size()) continue;
    const int byte = part_of(table_, code, parts_[static_cast<std::size_t>(part)]) & 0xff;
    words[static_cast<std::size_t>(i / 4)] |=
        static_cast<std::int32_t>(static_cast<unsigned>(byte) << i % 4 * 8);
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
