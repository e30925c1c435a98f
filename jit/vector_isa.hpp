// The vocabulary in which kernels are written: what differs between instruction sets, by meaning.
//
// Float arithmetic, conversions, shifts and loads have the same Xbyak mnemonics on AVX2 and AVX-512 and are
// used directly on registers from Assembler::vector(); the functions here cover the rest. One file in
// jit/isa/ implements it per instruction set.
#pragma once

#include <xbyak/xbyak.h>

#include <array>
#include <memory>
#include <string_view>

#include "jit/target.hpp"

namespace burin::jit {

class Assembler;

// A displacement for Xbyak address expressions, which take std::size_t; negative ones wrap as it expects.
constexpr std::size_t offset(std::int64_t bytes) { return static_cast<std::size_t>(bytes); }

// A vector register of the target's width; Xmm, Ymm and Zmm convert to it and keep their width.
using Vector = Xbyak::Xmm;

class VectorIsa {
 public:
  explicit VectorIsa(Assembler& assembler) : a(assembler) {}
  virtual ~VectorIsa() = default;
  VectorIsa(const VectorIsa&) = delete;

  virtual int vector_bytes() const = 0;
  virtual int vector_registers() const = 0;

  virtual void bit_and(Vector to, Vector x, const Xbyak::Operand& y) = 0;
  virtual void bit_or(Vector to, Vector x, const Xbyak::Operand& y) = 0;
  virtual void bit_xor(Vector to, Vector x, const Xbyak::Operand& y) = 0;
  virtual void copy(Vector to, Vector from) = 0;
  // to |= bits & mask. `bits` may be overwritten.
  virtual void merge_masked_bits(Vector to, Vector bits, const Xbyak::Operand& mask) = 0;

  // accumulator(int32 lanes) += sum over the four bytes of a lane of unsigned * signed.
  // `scratch` is overwritten unless dot_is_one_instruction(). Without it, the largest unsigned byte must not
  // exceed largest_dot_code(): pairs are summed with 16-bit saturation.
  virtual void dot_bytes(Vector accumulator, Vector unsigned_bytes, const Xbyak::Operand& signed_bytes,
                         Vector scratch) = 0;
  virtual bool dot_is_one_instruction() const = 0;
  int largest_dot_code() const { return dot_is_one_instruction() ? 255 : 128; }
  // Where has_signed_dot(): the same for signed bytes -128 .. 127 and `activations` of -127 .. 127, which does not saturate.
  // The bytes are given as magnitudes (to = their absolute values, unsigned) and as they are.
  virtual bool has_signed_dot() const { return false; }
  virtual void magnitudes(Vector to, Vector signed_bytes);
  virtual void dot_signed_bytes(Vector accumulator, Vector magnitudes, Vector signed_bytes,
                                Vector activations, Vector scratch);

  // to = numbers of the table, by the lowest four bits of each lane of `lanes`, which may be `to`. Both
  // scratch registers are overwritten where a register holds less than the table.
  virtual void look_up_floats(Vector to, Vector lanes, const std::array<float, 16>& table, Vector scratch,
                              Vector scratch2) = 0;

  // to = round to nearest even integer, as float.
  virtual void round_to_integer(Vector to, Vector from) = 0;
  // value *= 2^exponent, exponent an integral float in -126..127 (smaller ones may give 0). exponent is
  // overwritten.
  virtual void scale_by_power_of_two(Vector value, Vector exponent) = 0;

  // Sum or maximum of all lanes, in every lane of the lowest 128 bits at least. scratch is overwritten.
  virtual void reduce_add(Vector value, Vector scratch) = 0;
  virtual void reduce_max(Vector value, Vector scratch) = 0;
  virtual void reduce_add_int32(Vector value, Vector scratch) = 0;
  virtual void reduce_max_int32(Vector value, Vector scratch) = 0;

  // Stores the lowest `lanes` 32-bit lanes (1 .. all). scratch is overwritten where a mask needs it.
  virtual void store_lanes(const Xbyak::RegExp& to, Vector from, int lanes, Vector scratch) = 0;
  // Stores the lowest `bytes` bytes (1, 2 or 4) of lane i to to + i*stride for the lowest `lanes` lanes; `from` and
  // scratch are overwritten.
  virtual void scatter_lanes(const Xbyak::RegExp& to, int stride, int bytes, Vector from, int lanes,
                             Vector scratch) = 0;

  // to = the even 32-bit lanes of `from`, side by side in the lower half. The upper half is left undefined.
  virtual void even_lanes(Vector to, Vector from) = 0;

  // Lanes with index < count (a general register, 0 or less: none) keep `value`, others become `other`.
  virtual void keep_first_lanes(Vector value, const Xbyak::Reg64& count, Vector other, Vector scratch) = 0;

  // int32 lanes -> saturated int8, stored as vector_bytes()/4 bytes. scratch is overwritten.
  virtual void store_as_int8(const Xbyak::RegExp& to, Vector from, Vector scratch) = 0;
  // Float pairs to one dword of two bf16 (round to nearest even): low half from `low`, high from `high`. Denormals
  // become zeros with AVX512-BF16.
  // Both and scratch are overwritten; the result is in `low`.
  virtual void pack_bf16_pairs(Vector low, Vector high, Vector scratch) = 0;
  // The same for f16, denormals included; from 65520 on they are infinite.
  virtual void pack_f16_pairs(Vector low, Vector high, Vector scratch) = 0;

 protected:
  // The lowest `bytes` bytes of lane 0 .. 3 of 128 bits.
  void store_lane(const Xbyak::RegExp& to, int bytes, const Xbyak::Xmm& from, int lane);

  Assembler& a;
};

std::unique_ptr<VectorIsa> make_vector_isa(Assembler& assembler, const Target& target);

}  // namespace burin::jit
