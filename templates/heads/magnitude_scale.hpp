// The scale of numbers that become whole ones of up to `largest_code`, from the largest magnitude among them.
#pragma once

#include <limits>

#include "jit/assembler.hpp"
#include "templates/head_layout.hpp"

namespace burin::kernels {

// largest = max(largest, |numbers|), lane by lane; what is no number is passed over. Overwrites the numbers.
inline void emit_raise_magnitude(jit::Assembler& a, jit::Vector largest, jit::Vector numbers) {
  a.isa().bit_and(numbers, numbers, a.vector_constant(0x7fffffff));
  a.vmaxps(largest, numbers, largest);
}

// largest, with magnitudes in its lanes, becomes the inverse of the scale, in all lanes. store(scale) emits what keeps the
// scale, in the lowest lane of `scale`. Magnitudes are held within kSmallestMagnitude .. the largest float.
template <typename Store>
void emit_magnitude_scale(jit::Assembler& a, jit::Vector largest, jit::Vector scale_register,
                          jit::Vector scratch, float largest_code, const Store& store) {
  const Xbyak::Xmm magnitude(largest.getIdx());
  const jit::RoleScope scope(a);
  const Xbyak::Xmm scale = a.name(Xbyak::Xmm(scale_register.getIdx()), "scale");
  a.isa().reduce_max(largest, scratch);
  a.vminss(magnitude, magnitude, a.float_constant(std::numeric_limits<float>::max()));
  a.vmaxss(magnitude, magnitude, a.float_constant(kSmallestMagnitude));
  a.vmulss(scale, magnitude, a.float_constant(1 / largest_code));
  store(scale);
  a.vmovss(scale, a.float_constant(largest_code));
  a.vdivss(scale, scale, magnitude);
  a.vbroadcastss(largest, scale);
}

}  // namespace burin::kernels
