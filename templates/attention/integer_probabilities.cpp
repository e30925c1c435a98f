#include "templates/attention/integer_probabilities.hpp"

#include <cstdint>
#include <vector>

namespace burin::kernels {
namespace {

class Packing {
 public:
  Packing(const AttentionContext& context, const IntegerProbabilities& probabilities,
          const Xbyak::RegExp& block, int key)
      : c_(context), a(context.a), p_(probabilities), block_(block), key_(key) {}

  void emit() {
    const jit::RoleScope scope(a);
    for (int v = 0; v < packed_vectors(c_); ++v) a.vcvtps2dq(vector(v), vector(v));
    c_.int8_math() ? bytes() : words();
  }

 private:
  jit::Vector vector(int v) const { return a.vector(p_.first + v, {"probability", v}); }
  jit::Vector order() const { return a.vector(p_.scratch, "order"); }

  // Four vectors are packed twice within 128 bits:
  //
  //     | v0 v1 v2 v3: 4 bytes each | the same of the next 128 bits | ..     ->     | v0 | v1 | v2 | v3 |
  //
  // (With vpmovdb to memory for each vector and byte, 48 rows of attention took 1.02 times as long on Zen 5.)
  void bytes() {
    const jit::Vector high = a.name(vector(1), "high");
    const jit::Vector rest = a.name(vector(3), "high");
    for (const int v : {0, 2}) a.vpackusdw(vector(v), vector(v), vector(v + 1));
    a.vpsrlw(high, vector(0), kLowProbabilityBits);
    a.vpsrlw(rest, vector(2), kLowProbabilityBits);
    a.vpackuswb(high, high, rest);
    for (const int v : {0, 2}) a.isa().bit_and(vector(v), vector(v), a.vector_constant(0x00ff00ff));
    a.vpackuswb(vector(0), vector(0), vector(2));
    store_in_order(key_, high);
    store_in_order(AttentionScratch::kLowProbabilities + key_, vector(0));
  }

  // Two vectors, of every four keys the words 0, 2, 1, 3.
  void words() {
    constexpr std::uint8_t kEvenThenOdd = 0b11'01'10'00;
    a.vpackssdw(vector(0), vector(0), vector(1));
    a.vpshuflw(vector(0), vector(0), kEvenThenOdd);
    a.vpshufhw(vector(0), vector(0), kEvenThenOdd);
    store_in_order(key_ * 2, vector(0));
  }

  // `packed` has, in each of its 128 bits, a part of every vector.
  void store_in_order(int byte, jit::Vector packed) {
    std::vector<std::int32_t> lanes;
    const int parts = a.vector_bytes() / 16;
    const int dwords = 4 / packed_vectors(c_);  // of a part
    for (int lane = 0; lane < a.lanes(); ++lane)
      lanes.push_back(lane / dwords % parts * 4 + lane / dwords / parts * dwords + lane % dwords);
    a.vmovups(order(), a.int32_vector_constant(lanes));
    const int number = packed.getIdx();
    if (a.lanes() == 16)
      a.vpermd(Xbyak::Zmm(number), Xbyak::Zmm(p_.scratch), Xbyak::Zmm(number));
    else
      a.vpermd(Xbyak::Ymm(number), Xbyak::Ymm(p_.scratch), Xbyak::Ymm(number));
    a.vmovups(a.ptr[block_ + jit::offset(byte)], packed);
  }

  const AttentionContext& c_;
  jit::Assembler& a;
  IntegerProbabilities p_;
  Xbyak::RegExp block_;
  int key_;
};

}  // namespace

void emit_store_probabilities(const AttentionContext& context, const IntegerProbabilities& probabilities,
                              const Xbyak::RegExp& block, int key) {
  Packing(context, probabilities, block, key).emit();
}

}  // namespace burin::kernels
