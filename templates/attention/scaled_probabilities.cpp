#include "templates/attention/scaled_probabilities.hpp"

#include <cstdint>
#include <vector>

namespace burin::kernels {
namespace {

constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;
// What is rounded on the way stays within two bytes, or 15 bits.
constexpr float kLargestUnsigned = 65500;
constexpr float kLargestSigned = 32750;

class ScaledProbabilities {
 public:
  explicit ScaledProbabilities(const AttentionContext& context) : c_(context), a(context.a) {}

  void emit() {
    const jit::RoleScope scope(a);
    Xbyak::Label block;
    c_.start_blocks(a.rax);
    a.lea(block_probabilities(), a.ptr[c_.r.scratch + jit::offset(c_.scratch.scores)]);
    a.mov(blocks_left(), c_.r.chunk_blocks);
    a.L(block);
    c_.next_block(values());
    a.add(values(), c_.u32(c_.spec.heads.key_block_bytes()));
    all_rows();
    a.add(block_probabilities(), kKvBlock * 4);
    a.dec(blocks_left());
    a.jnz(block, kNear);
  }

 private:
  // Of the first row.
  Xbyak::Reg64 block_probabilities() const { return a.name(a.r10, "block_probabilities"); }
  Xbyak::Reg64 values() const { return a.name(a.r11, "values"); }  // of the block
  Xbyak::Reg64 blocks_left() const { return a.name(a.rdx, "blocks_left"); }
  Xbyak::Reg64 walking() const { return a.name(a.rdi, "probabilities"); }  // of the row
  Xbyak::Reg64 rows_left() const { return a.name(a.rcx, "rows_left"); }

  void all_rows() {
    Xbyak::Label row;
    a.mov(walking(), block_probabilities());
    a.mov(rows_left(), c_.r.query_rows);
    a.L(row);
    scale();
    c_.integer_math() ? store_integers() : store_floats();
    a.add(walking(), AttentionScratch::kScoresRow);
    a.dec(rows_left());
    a.jnz(row, kNear);
  }

  int vectors() const { return kKvBlock / a.lanes(); }
  jit::Vector probability(int v) const { return a.vector(v, {"probability", v}); }
  jit::Vector largest() const { return a.vector(vectors(), "largest"); }
  jit::Vector scratch(int i) const { return a.vector(vectors() + 1 + i, {"scratch", i}); }
  Xbyak::RegExp at(int byte) const { return walking() + jit::offset(byte); }

  void scale() {
    for (int v = 0; v < vectors(); ++v) a.vmovups(probability(v), a.ptr[at(v * a.vector_bytes())]);
    for (int v = 0; v < vectors(); ++v)
      a.vmulps(probability(v), probability(v),
               a.ptr[values() + jit::offset(c_.spec.heads.value_scales_offset() + v * a.vector_bytes())]);
  }

  void store_floats() {
    for (int v = 0; v < vectors(); ++v) a.vmovups(a.ptr[at(v * a.vector_bytes())], probability(v));
  }

  float largest_number() const { return c_.int8_math() ? kLargestUnsigned : kLargestSigned; }

  void store_integers() {
    find_scale();
    for (int v = 0; v < vectors(); ++v) {
      a.vmulps(probability(v), probability(v), largest());
      a.vcvtps2dq(probability(v), probability(v));
    }
    for (int v = 0; v < vectors(); v += packed()) c_.int8_math() ? store_bytes(v) : store_words(v);
  }
  int packed() const { return c_.int8_math() ? 4 : 2; }  // vectors in one

  // Four vectors of whole numbers of two bytes, packed twice within 128 bits:
  //
  //     | v0 v1 v2 v3: 4 bytes each | the same of the next 128 bits | ..     ->     | v0 | v1 | v2 | v3 |
  //
  // (With vpmovdb to memory for each vector and byte, 48 rows of attention took 1.02 times as long on Zen 5.)
  void store_bytes(int first) {
    const jit::Vector high = a.name(probability(first + 1), "high");
    const jit::Vector rest = a.name(probability(first + 3), "high");
    for (const int v : {first, first + 2}) a.vpackusdw(probability(v), probability(v), probability(v + 1));
    a.vpsrlw(high, probability(first), kLowProbabilityBits);
    a.vpsrlw(rest, probability(first + 2), kLowProbabilityBits);
    a.vpackuswb(high, high, rest);
    for (const int v : {first, first + 2})
      a.isa().bit_and(probability(v), probability(v), a.vector_constant(0x00ff00ff));
    a.vpackuswb(probability(first), probability(first), probability(first + 2));
    store_in_order(first * a.lanes(), high);
    store_in_order(AttentionScratch::kLowProbabilities + first * a.lanes(), probability(first));
  }

  // Two vectors, of every four keys the words 0, 2, 1, 3.
  void store_words(int first) {
    constexpr std::uint8_t kEvenThenOdd = 0b11'01'10'00;
    const jit::Vector words = probability(first);
    a.vpackssdw(words, words, probability(first + 1));
    a.vpshuflw(words, words, kEvenThenOdd);
    a.vpshufhw(words, words, kEvenThenOdd);
    store_in_order(first * a.lanes() * 2, words);
  }

  // packed_vectors has, in each of its 128 bits, a part of every vector that was packed.
  void store_in_order(int byte, jit::Vector packed_vectors) {
    std::vector<std::int32_t> order;
    const int parts = a.vector_bytes() / 16;
    const int dwords = 4 / packed();  // of a part
    for (int lane = 0; lane < a.lanes(); ++lane)
      order.push_back(lane / dwords % parts * 4 + lane / dwords / parts * dwords + lane % dwords);
    const int number = packed_vectors.getIdx();
    a.vmovups(scratch(0), a.int32_vector_constant(order));
    if (a.lanes() == 16)
      a.vpermd(Xbyak::Zmm(number), Xbyak::Zmm(scratch(0).getIdx()), Xbyak::Zmm(number));
    else
      a.vpermd(Xbyak::Ymm(number), Xbyak::Ymm(scratch(0).getIdx()), Xbyak::Ymm(number));
    a.vmovups(a.ptr[at(byte)], packed_vectors);
  }

  // Stores the scale; largest = its inverse.
  void find_scale() {
    const Xbyak::Xmm magnitude(largest().getIdx());
    const Xbyak::Xmm scale(scratch(0).getIdx());
    a.vmaxps(largest(), probability(0), probability(1));
    for (int v = 2; v < vectors(); ++v) a.vmaxps(largest(), largest(), probability(v));
    a.isa().reduce_max(largest(), scratch(0));
    a.vmaxss(magnitude, magnitude, a.float_constant(kSmallestMagnitude));
    a.vmulss(scale, magnitude, a.float_constant(1 / largest_number()));
    a.vmovss(a.dword[at(AttentionScratch::kProbabilityScale)], scale);
    a.vmovss(scale, a.float_constant(largest_number()));
    a.vdivss(scale, scale, magnitude);
    a.vbroadcastss(largest(), scale);
  }

  const AttentionContext& c_;
  jit::Assembler& a;
};

}  // namespace

void emit_scaled_probabilities(const AttentionContext& context) { ScaledProbabilities(context).emit(); }

}  // namespace burin::kernels
