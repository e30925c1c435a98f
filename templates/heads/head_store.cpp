// Rotates queries and keys, stores queries to rows, keys and values to the cache.
// Layouts: templates/head_layout.hpp. Rotation: Su et al., RoFormer (2021).
#include "templates/heads/head_store.hpp"

#include <algorithm>
#include <bit>

#include "jit/error.hpp"
#include "templates/formats/float16.hpp"
#include "templates/heads/head_quantizer.hpp"

namespace burin::kernels {
namespace {

constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;
constexpr int kBlockBytes = 128;             // 32 floats of a row
constexpr std::uint8_t kRoundToNearest = 0;  // of vcvtps2ph

// The register that takes the halves of a vector's floats.
jit::Vector half_register(jit::Vector floats) {
  return floats.isZMM() ? jit::Vector(Xbyak::Ymm(floats.getIdx())) : Xbyak::Xmm(floats.getIdx());
}

// Nothing becomes infinite; the minimum of NaN and a number is the number.
void emit_saturate_to_f16(jit::Assembler& a, jit::Vector x) {
  a.vminps(x, x, a.vector_constant(std::bit_cast<std::uint32_t>(kLargestFiniteF16)));
  a.vmaxps(x, x, a.vector_constant(std::bit_cast<std::uint32_t>(-kLargestFiniteF16)));
}

class HeadStoreEmitter {
 public:
  HeadStoreEmitter(const HeadStore& store, const BlockTile& tile, int pass)
      : s_(store), a(store.a), h_(store.heads), tile_(tile), pass_(pass) {}

  // The block's number says which part it belongs to; a part is whole blocks.
  void emit() {
    Xbyak::Label key;
    Xbyak::Label value;
    Xbyak::Label done;
    a.mov(number(), s_.block);
    a.cmp(number(), static_cast<std::uint32_t>(h_.query_blocks()));
    a.jge(key, kNear);
    query_block();
    a.jmp(done, kNear);

    a.L(key);
    a.sub(number(), static_cast<std::uint32_t>(h_.query_blocks()));
    a.cmp(number(), static_cast<std::uint32_t>(h_.key_blocks()));
    a.jge(value, kNear);
    key_block();
    a.jmp(done, kNear);

    a.L(value);
    a.sub(number(), static_cast<std::uint32_t>(h_.key_blocks()));
    value_block();
    a.L(done);
  }

 private:
  // Of the block within its part; then scratch.
  Xbyak::Reg64 number() const { return a.name(s_.number, "number"); }
  Xbyak::Reg64 in_head() const { return a.name(s_.in_head, "in_head"); }  // block within the head
  Xbyak::Reg64 head_offset() const { return a.name(s_.head_offset, "head_offset"); }
  Xbyak::Reg64 head_block() const { return a.name(s_.head_block, "head_block"); }
  Xbyak::Reg64 slot() const { return a.name(s_.slot, "slot"); }
  Xbyak::Reg64 rotation() const { return a.name(s_.rotation, "rotation"); }
  // Int8: of keys and values, which have no other.
  Xbyak::Reg64 head_row() const { return a.name(s_.output, "head_row"); }

  Xbyak::Address argument(std::size_t member) const { return a.ptr[s_.arguments + s_.kv_arguments + member]; }
  int half() const { return tile_.vectors() / 2; }
  int first_lane(int vector) const { return tile_.block_vector(pass_, vector) * a.lanes() % 16; }
  jit::Vector scratch(int i) const { return a.vector(tile_.rows() * tile_.vectors() + i, {"scratch", i}); }

  // number, divisor -> quotient in `number`, remainder in in_head.
  void divide(int divisor) {
    a.push(a.rdx);
    a.xor_(a.edx, a.edx);
    a.mov(in_head(), static_cast<std::uint32_t>(divisor));
    a.div(in_head());
    a.mov(in_head(), a.rdx);
    a.pop(a.rdx);
  }

  void rotate_rows() {
    const int row_bytes = h_.rotation_row() * 4;
    const int sin_offset = row_bytes / 2;
    a.imul(rotation(), s_.tile_row, row_bytes);
    a.add(rotation(), argument(offsetof(KvArguments, rotation)));
    a.mov(head_block(), in_head());
    a.shl(head_block(), 6);  // 16 pairs of 4 bytes
    a.add(rotation(), head_block());
    for (int row = 0; row < tile_.rows(); ++row)
      for (int v = 0; v < half(); ++v) {
        const int at = row * row_bytes + first_lane(v) * 4;
        const jit::Vector x0 = tile_.sum(row, v);
        const jit::Vector x1 = tile_.sum(row, v + half());
        const jit::Vector cosine = a.name(scratch(0), "cosine");
        const jit::Vector sine = a.name(scratch(1), "sine");
        const jit::Vector rotated = a.name(scratch(2), "rotated");
        a.vmovups(cosine, a.ptr[rotation() + jit::offset(at)]);
        a.vmovups(sine, a.ptr[rotation() + jit::offset(at + sin_offset)]);
        a.vmulps(rotated, x1, sine);
        a.vfmsub231ps(rotated, x0, cosine);  // x0*cos - x1*sin
        a.vmulps(x1, x1, cosine);
        a.vfmadd231ps(x1, x0, sine);
        a.isa().copy(x0, rotated);
      }
  }

  void query_block() {
    divide(h_.pair_blocks());
    rotate_rows();
    for (int row = 0; row < tile_.rows(); ++row)
      for (int v = 0; v < tile_.vectors(); ++v) {
        const std::int64_t at = row * s_.output_stride * 4 + tile_.block_vector(pass_, v) * a.vector_bytes();
        a.vmovups(a.ptr[s_.output + jit::offset(at)], tile_.sum(row, v));
      }
  }

  // head_offset = bytes from a block's start to head `number`.
  void find_head() {
    a.imul(head_offset(), number(), h_.kv_block_bytes());
    a.add(head_offset(), argument(offsetof(KvArguments, layer_offset)));
  }

  // head_block = the head's part of the row's block, slot = the row's in that block.
  void find_slot(int row) {
    constexpr int kPlaceBits = 4;
    static_assert(sizeof(KvPlace) == 1 << kPlaceBits);
    const std::size_t place = static_cast<std::size_t>(row) * sizeof(KvPlace);
    a.mov(head_block(), s_.tile_row);
    a.shl(head_block(), kPlaceBits);
    a.add(head_block(), argument(offsetof(KvArguments, places)));
    a.mov(slot(), a.ptr[head_block() + place + offsetof(KvPlace, slot)]);
    a.mov(head_block(), a.ptr[head_block() + place + offsetof(KvPlace, block)]);
    a.add(head_block(), head_offset());
  }

  void key_block() {
    divide(h_.pair_blocks());
    find_head();
    rotate_rows();
    if (h_.kv == KvStorage::int8) return keep_key_block();
    a.imul(rotation(), in_head(), kPairsPerBlock * h_.pair_group_bytes());
    a.add(head_offset(), rotation());
    const int pairs_in_last = h_.pairs() - (h_.pair_blocks() - 1) * kPairsPerBlock;
    Xbyak::Label last;
    Xbyak::Label done;
    if (pairs_in_last < kPairsPerBlock) {
      a.cmp(in_head(), static_cast<std::uint32_t>(h_.pair_blocks() - 1));
      a.je(last, kNear);
    }
    if (pairs_in_last == kPairsPerBlock || h_.pair_blocks() > 1) store_keys(kPairsPerBlock);
    if (pairs_in_last < kPairsPerBlock) {
      a.jmp(done, kNear);
      a.L(last);
      store_keys(pairs_in_last);
      a.L(done);
    }
  }

  void keep_key_block() {
    Xbyak::Label more;
    a.mov(head_row(), a.rsp);
    a.imul(rotation(), in_head(), kBlockBytes);
    for (int v = 0; v < tile_.vectors(); ++v)
      a.vmovups(a.ptr[head_row() + rotation() + jit::offset(v * a.vector_bytes())], tile_.sum(0, v));
    a.cmp(in_head(), static_cast<std::uint32_t>(h_.pair_blocks() - 1));
    a.jne(more, kNear);
    find_slot(0);
    emit_quantized_key(quantizer());
    a.L(more);
  }

  HeadQuantizer quantizer() const {
    return {a, h_, head_row(), head_block(), slot(), rotation(), in_head(), scratch(0).getIdx()};
  }

  // Keys lie across positions, so a row's pairs go to places pair_group_bytes apart.
  void store_keys(int pairs) {
    for (int row = 0; row < tile_.rows(); ++row) {
      find_slot(row);
      a.lea(head_block(), a.ptr[head_block() + slot() * h_.place_bytes()]);
      for (int v = 0; v < half(); ++v) {
        const int lanes = std::min(a.lanes(), pairs - first_lane(v));
        if (lanes <= 0) continue;
        const Xbyak::RegExp first = head_block() + jit::offset(first_lane(v) * h_.pair_group_bytes());
        const jit::Vector x0 = a.name(scratch(0), "x0");
        const jit::Vector x1 = a.name(scratch(1), "x1");
        a.isa().copy(x0, tile_.sum(row, v));
        a.isa().copy(x1, tile_.sum(row, v + half()));
        if (h_.kv == KvStorage::bf16) {
          a.isa().pack_bf16_pairs(x0, x1, scratch(2));
          a.isa().scatter_lanes(first, h_.pair_group_bytes(), 4, x0, lanes, scratch(2));
        } else {
          scatter_elements(first, x0, lanes);
          scatter_elements(first + jit::offset(kKvBlock * h_.element_bytes()), x1, lanes);
        }
      }
    }
  }

  void scatter_elements(const Xbyak::RegExp& first, jit::Vector x, int lanes) {
    if (h_.kv == KvStorage::f16) {
      emit_saturate_to_f16(a, x);
      a.vcvtps2ph(half_register(x), x, kRoundToNearest);
      a.vpmovzxwd(x, half_register(x));
    }
    a.isa().scatter_lanes(first, h_.pair_group_bytes(), h_.element_bytes(), x, lanes, scratch(2));
  }

  // A value block is two halves of 16 columns; each belongs to one head, the last may be padding.
  void value_block() {
    const int halves_per_head = h_.value_columns() / 16;
    const int halves = h_.kv_heads * halves_per_head;
    a.push(number());
    for (int part = 0; part < 2; ++part) {
      Xbyak::Label padding;
      a.mov(number(), a.ptr[a.rsp]);
      a.lea(number(), a.ptr[number() * 2 + jit::offset(part)]);
      if (halves % 2 != 0) {
        a.cmp(number(), static_cast<std::uint32_t>(halves));
        a.jge(padding, kNear);
      }
      divide(halves_per_head);
      find_head();
      if (h_.kv == KvStorage::int8) {
        keep_values(part, halves_per_head);
        a.L(padding);
        continue;
      }
      a.imul(in_head(), in_head(), 16 * h_.place_bytes());
      a.lea(head_offset(), a.ptr[head_offset() + in_head() + jit::offset(h_.key_block_bytes())]);
      for (int row = 0; row < tile_.rows(); ++row) store_values(row, part);
      a.L(padding);
    }
    a.add(a.rsp, 8);
  }

  void keep_values(int part, int halves_per_head) {
    Xbyak::Label more;
    a.lea(head_row(), a.ptr[a.rsp + 8]);  // behind the block's number
    a.imul(rotation(), in_head(), 16 * 4);
    for (int v = 0; v < tile_.vectors(); ++v)
      if (v * a.lanes() / 16 == part)
        a.vmovups(a.ptr[head_row() + rotation() + jit::offset(first_lane(v) * 4)], tile_.sum(0, v));
    a.cmp(in_head(), static_cast<std::uint32_t>(halves_per_head - 1));
    a.jne(more, kNear);
    find_slot(0);
    a.add(head_block(), static_cast<std::uint32_t>(h_.key_block_bytes()));
    emit_quantized_values(quantizer());
    a.L(more);
  }

  void store_values(int row, int part) {
    find_slot(row);
    a.mov(number(), slot());
    if (h_.kv == KvStorage::bf16) a.shr(number(), 1);
    a.imul(number(), number(), h_.value_row_bytes());
    a.add(head_block(), number());
    for (int v = 0; v < tile_.vectors(); ++v) {
      const int column = tile_.block_vector(pass_, v) * a.lanes();
      if (column / 16 != part) continue;
      store_value(a.ptr[head_block() + jit::offset(first_lane(v) * h_.place_bytes())], tile_.sum(row, v));
    }
  }

  void store_value(const Xbyak::Address& place, jit::Vector value) {
    switch (h_.kv) {
      case KvStorage::f32: return a.vmovups(place, value);
      case KvStorage::bf16: return merge_bf16(place, value);
      case KvStorage::f16:
        a.isa().copy(scratch(0), value);
        emit_saturate_to_f16(a, scratch(0));
        return a.vcvtps2ph(place, scratch(0), kRoundToNearest);
      case KvStorage::int8: return;  // see keep_values
    }
  }

  // Two positions share a dword per column: an even one takes the low half, an odd one the high half.
  void merge_bf16(const Xbyak::Address& place, jit::Vector value) {
    const jit::Vector both = a.name(scratch(0), "both");
    const jit::Vector copy = a.name(scratch(1), "copy");
    const jit::Vector old = a.name(scratch(2), "old");
    a.isa().copy(both, value);
    a.isa().copy(copy, value);
    a.isa().pack_bf16_pairs(both, copy, scratch(3));
    a.vmovups(old, place);
    Xbyak::Label odd;
    Xbyak::Label store;
    a.test(slot(), 1);
    a.jnz(odd);
    a.isa().bit_and(both, both, a.vector_constant(0x0000ffff));
    a.isa().bit_and(old, old, a.vector_constant(0xffff0000));
    a.jmp(store);
    a.L(odd);
    a.isa().bit_and(both, both, a.vector_constant(0xffff0000));
    a.isa().bit_and(old, old, a.vector_constant(0x0000ffff));
    a.L(store);
    a.isa().bit_or(both, both, old);
    a.vmovups(place, both);
  }

  const HeadStore& s_;
  jit::Assembler& a;
  const HeadLayout& h_;
  const BlockTile& tile_;
  int pass_;
};

}  // namespace

void emit_head_store(const HeadStore& store, const BlockTile& tile, int pass) {
  if (store.heads.kv == KvStorage::int8 && (tile.rows() != 1 || tile.passes() != 1))
    fail("heads are stored as int8 row by row and in whole blocks only");
  const jit::RoleScope scope(store.a);
  HeadStoreEmitter(store, tile, pass).emit();
}

}  // namespace burin::kernels
