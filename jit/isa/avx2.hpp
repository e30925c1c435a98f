// AVX2 with FMA and F16C: 16 registers of 256 bits, VEX encodings only.
#pragma once

#include "jit/assembler.hpp"

namespace burin::jit {

class Avx2Isa : public VectorIsa {
 public:
  using VectorIsa::VectorIsa;

  int vector_bytes() const override { return 32; }
  int vector_registers() const override { return 16; }

  void bit_and(Vector to, Vector x, const Xbyak::Operand& y) override;
  void bit_or(Vector to, Vector x, const Xbyak::Operand& y) override;
  void bit_xor(Vector to, Vector x, const Xbyak::Operand& y) override;
  void copy(Vector to, Vector from) override;
  void merge_masked_bits(Vector to, Vector bits, const Xbyak::Operand& mask) override;
  void dot_bytes(Vector accumulator, Vector unsigned_bytes, const Xbyak::Operand& signed_bytes,
                 Vector scratch) override;
  bool dot_is_one_instruction() const override { return false; }
  bool has_signed_dot() const override { return true; }
  void magnitudes(Vector to, Vector signed_bytes) override;
  void dot_signed_bytes(Vector accumulator, Vector magnitudes, Vector signed_bytes, Vector activations,
                        Vector scratch) override;
  void look_up_floats(Vector to, Vector lanes, const std::array<float, 16>& table, Vector scratch,
                      Vector scratch2) override;
  void round_to_integer(Vector to, Vector from) override;
  void scale_by_power_of_two(Vector value, Vector exponent) override;
  void reduce_add(Vector value, Vector scratch) override;
  void reduce_max(Vector value, Vector scratch) override;
  void reduce_add_int32(Vector value, Vector scratch) override;
  void reduce_max_int32(Vector value, Vector scratch) override;
  void store_lanes(const Xbyak::RegExp& to, Vector from, int lanes, Vector scratch) override;
  void scatter_lanes(const Xbyak::RegExp& to, int stride, int bytes, Vector from, int lanes,
                     Vector scratch) override;
  void keep_first_lanes(Vector value, const Xbyak::Reg64& count, Vector other, Vector scratch) override;
  void even_lanes(Vector to, Vector from) override;
  void store_as_int8(const Xbyak::RegExp& to, Vector from, Vector scratch) override;
  void pack_bf16_pairs(Vector low, Vector high, Vector scratch) override;
  void pack_f16_pairs(Vector low, Vector high, Vector scratch) override;
};

// AVX-VNNI (Alder Lake, Zen 5): the VEX form of vpdpbusd.
class AvxVnniIsa final : public Avx2Isa {
 public:
  using Avx2Isa::Avx2Isa;
  void dot_bytes(Vector accumulator, Vector unsigned_bytes, const Xbyak::Operand& signed_bytes,
                 Vector scratch) override;
  bool dot_is_one_instruction() const override { return true; }
  bool has_signed_dot() const override { return false; }  // there is no need
};

}  // namespace burin::jit
