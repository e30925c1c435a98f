#include "templates/heads/head_quantizer.hpp"

#include <algorithm>
#include <bit>

#include "templates/heads/magnitude_scale.hpp"
#include "templates/heads/pair_codes.hpp"

namespace burin::kernels {
namespace {

constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;
constexpr int kPlaces = 4;  // slots that share a dword of values

class QuantizedRow {
 public:
  explicit QuantizedRow(const HeadQuantizer& quantizer)
      : q_(quantizer), a(quantizer.a), h_(quantizer.heads) {}

  void key() {
    find_scale(h_.query_head_columns(), h_.key_scales_offset());
    a.lea(q_.block, a.ptr[q_.block + q_.slot * h_.place_bytes()]);
    const int whole_blocks = h_.pairs() / kPairsPerBlock;
    walk(whole_blocks, kPairsPerBlock / h_.pairs_per_group() * h_.pair_group_bytes(), 2 * kPairsPerBlock * 4,
         [&] { store_pairs(kPairsPerBlock); });
    if (h_.pairs() % kPairsPerBlock != 0) store_pairs(h_.pairs() % kPairsPerBlock);
  }

  void values() {
    find_scale(h_.value_columns(), h_.value_scales_offset());
    a.mov(q_.walk, q_.slot);
    a.shr(q_.walk, std::countr_zero(static_cast<unsigned>(h_.slots_per_value_row())));
    a.imul(q_.walk, q_.walk, h_.value_row_bytes());
    a.add(q_.block, q_.walk);
    Xbyak::Label places[kPlaces];
    Xbyak::Label done;
    a.and_(q_.slot, kPlaces - 1);
    for (int place = 1; place < kPlaces; ++place) {
      a.cmp(q_.slot, u32(place));
      a.je(places[place], kNear);
    }
    for (int place = 0; place < kPlaces; ++place) {
      a.L(places[place]);
      store_values(place);
      if (place + 1 < kPlaces) a.jmp(done, kNear);
    }
    a.L(done);
  }

 private:
  jit::Vector inverse() const { return a.vector(q_.first_vector, "inverse"); }  // 1 / scale
  jit::Vector code() const { return a.vector(q_.first_vector + 1, "code"); }
  jit::Vector scratch() const { return a.vector(q_.first_vector + 2, "scratch"); }
  static std::uint32_t u32(int value) { return static_cast<std::uint32_t>(value); }
  Xbyak::Address lanes(float value) const { return a.vector_constant(std::bit_cast<std::uint32_t>(value)); }

  // Emits `body` in a loop, `block` moving on by block_step bytes and `walk` through the row by row_step.
  template <typename Body>
  void walk(int count, int block_step, int row_step, Body body) {
    a.mov(q_.walk, q_.row);
    if (count == 0) return;
    Xbyak::Label loop;
    a.mov(q_.left, u32(count));
    a.L(loop);
    body();
    a.add(q_.block, u32(block_step));
    a.add(q_.walk, u32(row_step));
    a.dec(q_.left);
    a.jnz(loop, kNear);
  }

  // Stores the scale and keeps its inverse.
  void find_scale(int columns, int scales_offset) {
    const jit::RoleScope scope(a);
    const jit::Vector largest = a.name(inverse(), "largest");
    a.zero(largest);
    walk(columns / a.lanes(), 0, a.vector_bytes(), [&] {
      a.vmovups(code(), a.ptr[q_.walk]);
      emit_raise_magnitude(a, largest, code());
    });
    emit_magnitude_scale(a, largest, scratch(), code(), kLargestCode, [&](const Xbyak::Xmm& scale) {
      a.vmovss(a.dword[q_.block + q_.slot * 4 + jit::offset(scales_offset)], scale);
    });
  }

  // Of the row's next floats from `byte` on, as int32 lanes.
  void load_codes(jit::Vector to, int byte) {
    a.vmulps(to, inverse(), a.ptr[q_.walk + jit::offset(byte)]);
    a.vminps(to, to, lanes(kLargestCode));
    a.vmaxps(to, to, lanes(-kLargestCode));
    a.vcvtps2dq(to, to);
  }

  void store_pairs(int pairs) {
    for (int lane = 0; lane < pairs; lane += a.lanes()) {
      load_codes(code(), lane * 4);
      load_codes(scratch(), (kPairsPerBlock + lane) * 4);
      emit_join_pair_codes(a, code(), scratch());
      const int groups = (std::min(a.lanes(), pairs - lane) + 1) / 2;
      a.isa().scatter_lanes(q_.block + jit::offset(lane / 2 * h_.pair_group_bytes()), h_.pair_group_bytes(),
                            4, code(), groups, scratch());
    }
  }

  // Four slots share a dword per column; this one has byte `place`.
  void store_values(int place) {
    const std::uint32_t own = std::uint32_t{0xff} << (8 * place);
    walk(h_.value_columns() / a.lanes(), a.vector_bytes(), a.vector_bytes(), [&] {
      load_codes(code(), 0);
      if (place > 0) a.vpslld(code(), code(), static_cast<std::uint8_t>(8 * place));
      a.vmovups(scratch(), a.ptr[q_.block]);
      a.isa().bit_and(scratch(), scratch(), a.vector_constant(~own));
      a.isa().merge_masked_bits(scratch(), code(), a.vector_constant(own));
      a.vmovups(a.ptr[q_.block], scratch());
    });
  }

  const HeadQuantizer& q_;
  jit::Assembler& a;
  const HeadLayout& h_;
};

void name_registers(const HeadQuantizer& quantizer) {
  quantizer.a.name(quantizer.row, "row");
  quantizer.a.name(quantizer.block, "block");
  quantizer.a.name(quantizer.slot, "slot");
  quantizer.a.name(quantizer.walk, "walk");
  quantizer.a.name(quantizer.left, "left");
}

}  // namespace

void emit_quantized_key(const HeadQuantizer& quantizer) {
  const jit::RoleScope scope(quantizer.a);
  name_registers(quantizer);
  QuantizedRow(quantizer).key();
}

void emit_quantized_values(const HeadQuantizer& quantizer) {
  const jit::RoleScope scope(quantizer.a);
  name_registers(quantizer);
  QuantizedRow(quantizer).values();
}

}  // namespace burin::kernels
