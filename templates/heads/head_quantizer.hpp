// Stores one position of a KV head as int8 with one scale: what head_layout.hpp calls int8.
//
// The scale is the largest magnitude / 127, so every element is off by half a scale at most. Magnitudes are held within
// 2^-100 .. the largest float, and elements within 127 scales: what is stored are always numbers.
#pragma once

#include "jit/assembler.hpp"
#include "templates/head_layout.hpp"

namespace burin::kernels {

struct HeadQuantizer {
  jit::Assembler& a;
  const HeadLayout& heads;

  // General registers by role; all but `row` are overwritten.
  Xbyak::Reg64 row;    // the head's floats: pair blocks of a rotated key, or the columns of values
  Xbyak::Reg64 block;  // 64 positions of keys, or of values
  Xbyak::Reg64 slot;   // place of the position in the block
  Xbyak::Reg64 walk;
  Xbyak::Reg64 left;
  int first_vector;  // of three that are overwritten
};

void emit_quantized_key(const HeadQuantizer& quantizer);
void emit_quantized_values(const HeadQuantizer& quantizer);

}  // namespace burin::kernels
