// Rows outside, column blocks inside: a norm's statistics are computed where a head (or part) begins and kept for
// its blocks.
#include <cstddef>

#include "jit/assembler.hpp"
#include "jit/error.hpp"
#include "jit/spec_text.hpp"
#include "templates/heads/head_rows.hpp"
#include "templates/heads/heads_spec.hpp"
#include "templates/prepare/row_norm_emitter.hpp"

namespace burin::kernels {
namespace {

constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;
constexpr int kBlockBytes = HeadRows::kBlockBytes;

class HeadsEmitter {
 public:
  HeadsEmitter(const HeadsSpec& spec, const jit::Target& target)
      : a(target),
        s_(spec),
        h_(spec.heads),
        rows_(a, h_, head_row_members<HeadsArguments>(), s_.input_stride, s_.output_stride, Xbyak::util::r13),
        tile_(rows_.tile()),
        unit_registers_{unit_start(), weight(), bias(), epsilon(), offset()},
        block_registers_{row(), weight(), bias(), epsilon(), offset()} {}

  jit::CodeImage emit() {
    rows_.emit([] {},
               [&](int pass) {
                 if (pass == 0 && s_.norm != RowNorm::none) statistics();
                 load_sums(pass);
                 rows_.store(pass, block(), offset());
               });
    return a.finish(jit::spec_text(s_));
  }

 private:
  Xbyak::Reg64 arguments() const { return rows_.arguments(); }
  Xbyak::Reg64 row() const { return rows_.row(); }
  Xbyak::Reg64 block() const { return rows_.block(); }
  Xbyak::Reg64 weight() const { return a.name(a.r15, "weight"); }
  Xbyak::Reg64 bias() const { return a.name(a.r9, "bias"); }
  Xbyak::Reg64 unit_start() const { return a.name(a.r8, "unit_start"); }
  Xbyak::Reg64 offset() const { return a.name(a.r10, "offset"); }

  jit::Vector factor() const { return a.vector(14, "factor"); }
  jit::Vector mean() const { return a.vector(15, "mean"); }
  // Behind what the store overwrites.
  jit::Vector scratch(int i) const { return a.vector(8 + i, {"scratch", i}); }

  Xbyak::Address argument(std::size_t member) const { return rows_.argument(member); }
  Xbyak::Address epsilon() const { return a.dword[arguments() + offsetof(HeadsArguments, epsilon)]; }
  int normed_blocks() const { return h_.query_blocks() + h_.key_blocks(); }

  // Once per unit: at its first block, or at the first of the call.
  void statistics() {
    Xbyak::Label compute;
    Xbyak::Label keys;
    Xbyak::Label start_known;
    Xbyak::Label done;
    a.cmp(block(), static_cast<std::uint32_t>(normed_blocks()));
    a.jge(done, kNear);
    unit_of_block();  // rax = its first block
    a.cmp(block(), a.rax);
    a.je(compute);
    a.cmp(block(), argument(offsetof(HeadsArguments, first_block)));
    a.jne(done, kNear);
    a.L(compute);
    a.imul(unit_start(), a.rax, kBlockBytes);
    a.add(unit_start(), row());
    if (s_.unit == HeadNormUnit::head) {
      emit_statistics(h_.query_head_columns(), h_.head_size);
    } else {
      a.test(a.rax, a.rax);
      a.jnz(keys, kNear);
      emit_statistics(std::int64_t{h_.query_blocks()} * 32, std::int64_t{h_.query_heads} * h_.head_size);
      a.jmp(done, kNear);
      a.L(keys);
      emit_statistics(std::int64_t{h_.key_blocks()} * 32, std::int64_t{h_.kv_heads} * h_.head_size);
    }
    a.L(done);
  }

  void unit_of_block() {
    if (s_.unit == HeadNormUnit::part) {
      Xbyak::Label query;
      a.xor_(a.eax, a.eax);
      a.cmp(block(), static_cast<std::uint32_t>(h_.query_blocks()));
      a.jl(query);
      a.mov(a.eax, static_cast<std::uint32_t>(h_.query_blocks()));
      a.L(query);
      return;
    }
    a.mov(a.rax, block());
    a.xor_(a.edx, a.edx);
    a.mov(a.ecx, static_cast<std::uint32_t>(h_.pair_blocks()));
    a.div(a.rcx);
    a.imul(a.rax, a.rax, h_.pair_blocks());
  }

  void emit_statistics(std::int64_t places, std::int64_t count) {
    RowNormEmitter norm(a, s_.norm, places, count, unit_registers_, factor(), mean());
    norm.statistics({scratch(0), scratch(1), scratch(2), scratch(3), scratch(4)});
  }

  void load_sums(int pass) {
    a.imul(offset(), block(), kBlockBytes);
    for (int v = 0; v < tile_.vectors(); ++v)
      a.vmovups(tile_.sum(0, v), a.ptr[row() + offset() + rows_.displacement(pass, v)]);
    if (s_.clip) clip_sums();
    if (s_.norm == RowNorm::none) return;
    Xbyak::Label values;
    a.cmp(block(), static_cast<std::uint32_t>(normed_blocks()));
    a.jge(values, kNear);
    a.mov(weight(), argument(offsetof(HeadsArguments, norm_weight)));
    a.mov(bias(), argument(offsetof(HeadsArguments, norm_bias)));
    RowNormEmitter norm(a, s_.norm, h_.query_head_columns(), block_registers_, factor(), mean());
    for (int v = 0; v < tile_.vectors(); ++v)
      norm.apply(tile_.sum(0, v), static_cast<int>(rows_.displacement(pass, v)));
    a.L(values);
  }

  void clip_sums() {
    const jit::Vector limit = a.name(scratch(0), "limit");
    const jit::Vector negative = a.name(scratch(1), "negative");
    a.vbroadcastss(limit, a.dword[arguments() + offsetof(HeadsArguments, limit)]);
    a.zero(negative);
    a.vsubps(negative, negative, limit);
    for (int v = 0; v < tile_.vectors(); ++v) {
      a.vminps(tile_.sum(0, v), tile_.sum(0, v), limit);
      a.vmaxps(tile_.sum(0, v), tile_.sum(0, v), negative);
    }
  }

  jit::Assembler a;
  const HeadsSpec& s_;
  const HeadLayout& h_;
  HeadRows rows_;
  const BlockTile& tile_;
  RowNormRegisters unit_registers_;
  RowNormRegisters block_registers_;
};

void check(const HeadsSpec& spec) {
  const auto refuse = [&](std::string_view why) { fail("kernel {}: {}", jit::spec_text(spec), why); };
  const HeadLayout& heads = spec.heads;
  if (heads.head_size % 2 != 0 || heads.query_heads % heads.kv_heads != 0)
    refuse("head size must be even and query heads a multiple of KV heads");
  if (spec.clip && spec.norm != RowNorm::none)
    refuse("heads are clipped or normalised, not both: use norm.none or clip.0");
  if (spec.norm == RowNorm::layer && heads.head_size % 32 != 0)
    refuse("layer norm of heads needs head sizes that are multiples of 32");
}

}  // namespace

jit::CodeImage emit_heads(const HeadsSpec& spec, const jit::Target& target) {
  check(spec);
  return HeadsEmitter(spec, target).emit();
}

}  // namespace burin::kernels
