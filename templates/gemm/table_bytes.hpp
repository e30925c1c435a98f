// Emits the look-up of table codes (templates/formats/tables.hpp) as unsigned bytes like integer codes.
#pragma once

#include <array>
#include <optional>

#include "jit/assembler.hpp"
#include "templates/formats/weight_format.hpp"

namespace burin::kernels {

// What part of the table's values, in steps, the bytes are.
enum class TablePart : std::uint8_t {
  whole,       // plus the zero point
  first_half,  // of that: both halves together are it
  second_half,
  magnitude,  // of the values
  signed_value
};

class TableBytes {
 public:
  TableBytes(jit::Assembler& assembler, const WeightFormat& weights,
             std::array<TablePart, 2> parts = {TablePart::whole, TablePart::whole})
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
  std::array<TablePart, 2> parts_;
  std::array<std::optional<jit::Vector>, 2> kept_;
};

}  // namespace burin::kernels
