// Emits the look-up of table codes (templates/formats/tables.hpp) as unsigned bytes like integer codes.
#pragma once

#include <array>
#include <optional>

#include "jit/assembler.hpp"
#include "templates/formats/weight_format.hpp"

namespace burin::kernels {

// A byte is the value in steps plus the table's zero point. In several parts, it is the sum of their bytes,
// none of which is larger than its share: one part, or two where the dot product would saturate.
class TableBytes {
 public:
  TableBytes(jit::Assembler& assembler, const WeightFormat& weights, int parts)
      : a(assembler), table_(value_table(weights.table)), parts_(parts) {}

  // Loads the part's table into a register that the kernel can spare; saves a load per look-up.
  void keep_in(jit::Vector table, int part);

  // to = bytes of the codes (one in each byte). `to` may be `codes`; `scratch` is overwritten unless the
  // table is kept.
  void look_up(jit::Vector to, jit::Vector codes, int part, jit::Vector scratch);

 private:
  Xbyak::Address constant(int part) const;

  jit::Assembler& a;
  const ValueTable& table_;
  int parts_;
  std::array<std::optional<jit::Vector>, 2> kept_;
};

}  // namespace burin::kernels
