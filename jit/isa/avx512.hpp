// AVX-512 F/BW/VL/DQ: 32 registers of 512 bits, mask registers (k1 is scratch here).
#pragma once

#include "jit/assembler.hpp"

namespace burin::jit {

class Avx512Isa : public VectorIsa {
 public:
  using VectorIsa::VectorIsa;

  int vector_bytes() const override { return 64; }
  int vector_registers() const override { return 32; }

  void bit_and(Vector to, Vector x, const Xbyak::Operand& y) override;
  void bit_or(Vector to, Vector x, const Xbyak::Operand& y) override;
  void bit_xor(Vector to, Vector x, const Xbyak::Operand& y) override;
  void copy(Vector to, Vector from) override;
  void merge_masked_bits(Vector to, Vector bits, const Xbyak::Operand& mask) override;
  void dot_bytes(Vector accumulator, Vector unsigned_bytes, const Xbyak::Operand& signed_bytes,
                 Vector scratch) override;
  bool dot_is_one_instruction() const override { return false; }
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

 private:
  void round_to_bf16(Vector x, Vector scratch);
};

// AVX512-VNNI: vpdpbusd on 512 bits.
class Avx512VnniIsa final : public Avx512Isa {
 public:
  using Avx512Isa::Avx512Isa;
  void dot_bytes(Vector accumulator, Vector unsigned_bytes, const Xbyak::Operand& signed_bytes,
                 Vector scratch) override;
  bool dot_is_one_instruction() const override { return true; }
};

}  // namespace burin::jit
