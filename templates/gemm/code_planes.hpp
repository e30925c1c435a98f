// Emits the decoding of bit-plane codes (templates/formats/packing.hpp) into bytes of a register.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "jit/assembler.hpp"
#include "templates/formats/weight_format.hpp"

namespace burin::kernels {

// Where the planes of 32 inputs lie: 128 bytes per row, `width` rows per plane.
struct CodePlane {
  int width = 0;      // bits: 8, 4, 2 or 1
  int position = 0;   // of its lowest bit in the code
  int first_row = 0;  // among the rows of the 32 inputs

  int row(int quad) const { return first_row + quad * width / 8; }
  int shift(int quad) const { return quad * width % 8; }
  bool is_part_of_bytes() const { return width < 8; }
};
std::vector<CodePlane> code_planes(int bits);

// Decodes one quad (four inputs) of one column vector: code = bytes 0 .. 2^bits-1, lane = column.
class CodeDecoder {
 public:
  CodeDecoder(jit::Assembler& assembler, const WeightFormat& weights)
      : a(assembler), planes_(code_planes(weights.bits)), masks_(planes_.size()) {}

  // Loads the mask of a plane, the widest first, into a register that the kernel can spare; saves a load per quad.
  void keep_mask_in(int plane, jit::Vector mask);

  // `inputs` addresses the 32 inputs' rows, displaced to the column vector. scratch is overwritten where
  // there is more than one plane.
  void decode(jit::Vector code, const Xbyak::RegExp& inputs, int quad, jit::Vector scratch);

 private:
  // use(mask of the plane), which is in a register or a constant.
  void with_mask(std::size_t plane, const std::function<void(const Xbyak::Operand&)>& use);
  // to = bytes of the row shifted so that bit `shift` comes to `position`; other bits undefined.
  void load_shifted(jit::Vector to, const Xbyak::RegExp& row, int shift, int position);

  jit::Assembler& a;
  std::vector<CodePlane> planes_;
  std::vector<std::optional<jit::Vector>> masks_;  // of the planes
};

}  // namespace burin::kernels
