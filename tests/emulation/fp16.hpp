// AVX512-FP16: arithmetic, comparisons, conversions and moves of FP16 vectors and scalars; not the complex
// products.
//
// All of them round once, as MXCSR or the instruction says, and keep denormals: MXCSR.DAZ and FTZ do not
// apply to FP16, and DAZ does to the FP32 and FP64 operands of conversions (SDM volume 2, VCVTPS2PHX).
// Exceptions are taken as masked, and the sticky bits that report them stay as they were.
#pragma once

#include "tests/emulation/instruction.hpp"
#include "tests/emulation/processor_state.hpp"

namespace burin::emulation {

// Whether the instruction is of AVX512-FP16, emulated or not.
bool is_fp16(const Instruction& instruction);

// Each emulates an instruction of its group, and is false for others.

// VADDPH, VSUBPH, VMULPH, VDIVPH, VMAXPH, VMINPH, VSCALEFPH, VSQRTPH, VRCPPH, VRSQRTPH, VGETEXPPH,
// VGETMANTPH, VRNDSCALEPH, VREDUCEPH, and their scalar forms (..SH).
bool emulate_fp16_arithmetic(const Instruction& instruction, ProcessorState& state);
// VFMADD, VFMSUB, VFNMADD, VFNMSUB (PH and SH), VFMADDSUB and VFMSUBADD (PH), all in the orders 132, 213 and
// 231.
bool emulate_fp16_fused(const Instruction& instruction, ProcessorState& state);
// VCMPPH, VCMPSH, VCOMISH, VUCOMISH, VFPCLASSPH, VFPCLASSSH.
bool emulate_fp16_comparison(const Instruction& instruction, ProcessorState& state);
// VCVT...: between FP16 and FP32, FP64, and integers of 16, 32 and 64 bits; VCVTT... truncate.
bool emulate_fp16_conversion(const Instruction& instruction, ProcessorState& state);
// VMOVW, VMOVSH.
bool emulate_fp16_move(const Instruction& instruction, ProcessorState& state);

}  // namespace burin::emulation
