// Rows outside, blocks inside: the latent row's statistics are computed before the first of its blocks.
#include <cstddef>

#include "jit/assembler.hpp"
#include "jit/error.hpp"
#include "jit/spec_text.hpp"
#include "templates/heads/head_rows.hpp"
#include "templates/latent/latent_spec.hpp"
#include "templates/prepare/row_norm_emitter.hpp"

namespace burin::kernels {
namespace {

constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;
constexpr int kBlockBytes = HeadRows::kBlockBytes;

class LatentEmitter {
 public:
  LatentEmitter(const LatentSpec& spec, const jit::Target& target)
      : a(target),
        s_(spec),
        rows_(a, s_.heads, head_row_members<LatentArguments>(), s_.input_stride, s_.output_stride,
              Xbyak::util::r15),
        tile_(rows_.tile()),
        norm_registers_{latent(), weight(), bias(), epsilon(), offset()},
        norm_(a, s_.norm, s_.latent, norm_registers_, a.vector(14, "factor"), a.vector(15, "mean")) {}

  jit::CodeImage emit() {
    rows_.emit([&] { statistics(); },
               [&](int pass) {
                 load(pass);
                 find_stored_block();
                 a.imul(a.rax, stored_block(), kBlockBytes);
                 rows_.store(pass, stored_block(), a.rax);
               });
    return a.finish(jit::spec_text(s_));
  }

 private:
  // Kept over a store.
  Xbyak::Reg64 arguments() const { return rows_.arguments(); }
  Xbyak::Reg64 row() const { return rows_.row(); }
  Xbyak::Reg64 stored_block() const { return a.name(a.r13, "stored_block"); }  // as head_layout.hpp counts
  Xbyak::Reg64 block() const { return rows_.block(); }                         // as the call counts
  // Not kept.
  Xbyak::Reg64 input() const { return a.name(a.rdi, "input"); }
  Xbyak::Reg64 latent() const { return a.name(a.r8, "latent"); }
  Xbyak::Reg64 weight() const { return a.name(a.r9, "weight"); }
  Xbyak::Reg64 bias() const { return a.name(a.r10, "bias"); }
  Xbyak::Reg64 offset() const { return a.name(a.rsi, "offset"); }

  // Behind what the store overwrites.
  jit::Vector scratch(int i) const { return a.vector(8 + i, {"scratch", i}); }
  Xbyak::Address argument(std::size_t member) const { return rows_.argument(member); }
  Xbyak::Address epsilon() const { return a.dword[arguments() + offsetof(LatentArguments, epsilon)]; }
  static std::uint32_t u32(int value) { return static_cast<std::uint32_t>(value); }

  // Where the call has latent blocks.
  void statistics() {
    Xbyak::Label none;
    a.mov(a.rax, argument(offsetof(LatentArguments, last_block)));
    a.cmp(a.rax, u32(s_.first_latent_block()));
    a.jle(none, kNear);
    a.lea(latent(), a.ptr[row() + jit::offset(s_.first_latent_block() * kBlockBytes)]);
    norm_.statistics({scratch(0), scratch(1), scratch(2), scratch(3), scratch(4)});
    a.L(none);
  }

  // The block's input, normalised if it is of the latent row.
  void load(int pass) {
    Xbyak::Label plain;
    a.mov(input(), block());
    a.cmp(block(), u32(s_.first_value_block()));
    a.jl(plain);
    a.sub(input(), u32(s_.latent_blocks()));
    a.L(plain);
    a.imul(input(), input(), kBlockBytes);
    for (int v = 0; v < tile_.vectors(); ++v)
      a.vmovups(tile_.sum(0, v), a.ptr[row() + input() + rows_.displacement(pass, v)]);
    Xbyak::Label rotated;
    a.cmp(block(), u32(s_.first_latent_block()));
    a.jl(rotated, kNear);
    a.mov(weight(), argument(offsetof(LatentArguments, norm_weight)));
    a.mov(bias(), argument(offsetof(LatentArguments, norm_bias)));
    a.lea(offset(), a.ptr[input() + jit::offset(-s_.first_latent_block() * kBlockBytes)]);
    for (int v = 0; v < tile_.vectors(); ++v)
      norm_.apply(tile_.sum(0, v), static_cast<int>(rows_.displacement(pass, v)));
    a.L(rotated);
  }

  // A query head's rotated blocks are its first; keys and values follow all queries, block by block.
  void find_stored_block() {
    Xbyak::Label query;
    Xbyak::Label done;
    a.mov(stored_block(), block());
    a.cmp(block(), u32(s_.query_blocks()));
    a.jl(query);
    a.add(stored_block(), u32(s_.heads.query_blocks() - s_.query_blocks()));
    a.jmp(done);
    a.L(query);
    a.mov(a.rax, block());
    a.xor_(a.edx, a.edx);
    a.mov(a.ecx, u32(s_.rotated_blocks()));
    a.div(a.rcx);  // rax = head
    a.imul(a.rax, a.rax, s_.latent_blocks());
    a.add(stored_block(), a.rax);
    a.L(done);
  }

  jit::Assembler a;
  const LatentSpec& s_;
  HeadRows rows_;
  const BlockTile& tile_;
  RowNormRegisters norm_registers_;
  RowNormEmitter norm_;
};

void check(const LatentSpec& spec) {
  const auto refuse = [&](std::string_view why) { fail("kernel {}: {}", jit::spec_text(spec), why); };
  const HeadLayout& heads = spec.heads;
  if (heads.kv_heads != 1 || heads.value_size < 1) refuse("must have one KV head whose values have a size");
  if (heads.value_size % 32 != 0 || heads.head_size % 32 != 0 || heads.head_size <= heads.value_size)
    refuse("sizes of heads and values must be multiples of 32, and heads the larger");
  if (spec.norm == RowNorm::none) refuse("the latent row must be normalised: use norm.rms or norm.layer");
  if (spec.latent < 1 || spec.latent > heads.value_size) refuse("k must be 1 to the size of values");
}

}  // namespace

jit::CodeImage emit_latent(const LatentSpec& spec, const jit::Target& target) {
  check(spec);
  return LatentEmitter(spec, target).emit();
}

}  // namespace burin::kernels
