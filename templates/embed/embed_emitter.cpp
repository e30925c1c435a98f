#include <algorithm>
#include <bit>

#include "jit/assembler.hpp"
#include "jit/error.hpp"
#include "jit/spec_text.hpp"
#include "templates/embed/embed_spec.hpp"
#include "templates/formats/packing.hpp"
#include "templates/gemm/code_planes.hpp"
#include "templates/gemm/float8_decoder.hpp"
#include "templates/row_loop.hpp"

namespace burin::kernels {
namespace {

constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;
constexpr int kRowBytes = 128;
constexpr int kInputsPerStep = 32;
constexpr int kFloatUnroll = 8;

// A column is four bytes out of every 128: little to gain from vectors, so codes are put together in a
// general register, four inputs at a time, and converted together.
class EmbedEmitter {
 public:
  EmbedEmitter(const EmbedSpec& spec, const jit::Target& target)
      : a(target), s_(spec), packed_(packed_shape(spec.weights, spec.width, spec.vocabulary)) {}

  jit::CodeImage emit() {
    a.begin_frame(0, arguments());
    a.name(a.rax, "bits");
    a.name(a.rdi, "more_bits");
    a.mov(tokens(), a.ptr[arguments() + offsetof(EmbedArguments, tokens)]);
    a.mov(output(), a.ptr[arguments() + offsetof(EmbedArguments, output)]);
    a.mov(rows(), a.ptr[arguments() + offsetof(EmbedArguments, rows)]);
    emit_row_loop(a, rows(), [&] {
      find_column();
      a.xor_(at(), at());
      if (s_.weights.is_two_level())
        two_level_row();
      else if (s_.weights.has_codes())
        coded_row();
      else
        float_row();
      if (s_.scaled) scale_row();
      a.add(tokens(), 4);
      a.add(output(), static_cast<std::uint32_t>(s_.output_stride * 4));
    });
    a.end_frame();
    return a.finish(jit::spec_text(s_));
  }

 private:
  Xbyak::Reg64 arguments() const { return a.name(a.rbx, "arguments"); }
  Xbyak::Reg64 tokens() const { return a.name(a.rsi, "tokens"); }
  Xbyak::Reg64 output() const { return a.name(a.rdx, "output"); }
  Xbyak::Reg64 rows() const { return a.name(a.rcx, "rows"); }
  Xbyak::Reg64 column() const { return a.name(a.r8, "column"); }   // column within its block, then unused
  Xbyak::Reg64 codes() const { return a.name(a.r9, "codes"); }     // walking, displaced to the column
  Xbyak::Reg64 scales() const { return a.name(a.r10, "scales"); }  // scale of the column in the group
  Xbyak::Reg64 at() const { return a.name(a.r11, "at"); }          // bytes of the output row written
  Xbyak::Reg64 left() const { return a.name(a.r12, "left"); }

  // Of the column, where the format has factors.
  Xbyak::Xmm factor() const { return a.name(a.xmm6, "factor"); }

  // Columns are element_bytes apart within a row of the block.
  int element_bytes() const { return s_.weights.kind == WeightKind::f16 || s_.weights.is_fp8() ? 2 : 4; }

  void find_column() {
    a.movsxd(column(), a.dword[tokens()]);
    a.mov(codes(), column());
    a.shr(codes(), 5);
    a.imul(codes(), codes(), static_cast<int>(packed_.block_bytes));
    a.add(codes(), a.ptr[arguments() + offsetof(EmbedArguments, weights)]);
    a.and_(column(), kBlockColumns - 1);
    a.lea(codes(), a.ptr[codes() + column() * element_bytes()]);
  }

  int code_bytes() const { return static_cast<int>(packed_.unit_inputs) * 4 * s_.weights.bits; }

  void coded_row() {
    const Xbyak::Xmm scale = a.name(a.xmm4, "scale");
    const Xbyak::Xmm minimum = a.name(a.xmm5, "minimum");
    Xbyak::Label unit;
    Xbyak::Label step;
    if (s_.weights.has_factors())
      a.vmovss(factor(), a.dword[codes() + (packed_.block_bytes - packed_.factor_bytes)]);
    a.L(unit);
    find_scales_at(code_bytes(), bytes_of(s_.weights.scale));
    const int groups = s_.weights.group == 16 ? 2 : 1;
    a.mov(left(), static_cast<std::uint32_t>(packed_.unit_inputs / kInputsPerStep));
    a.L(step);
    for (int group = 0; group < groups; ++group) {
      load_scale(scale, group);
      if (!s_.weights.symmetric) load_scale(minimum, groups + group);
      for (int quad = 8 / groups * group; quad < 8 / groups * (group + 1); ++quad)
        coded_quad(quad, scale, minimum);
    }
    a.add(codes(), static_cast<std::uint32_t>(kInputsPerStep * 4 * s_.weights.bits));
    a.add(at(), kInputsPerStep * 4);
    a.dec(left());
    a.jnz(step, kNear);
    a.add(codes(), static_cast<std::uint32_t>(static_cast<int>(packed_.unit_bytes) - code_bytes()));
    a.cmp(at(), static_cast<std::uint32_t>(packed_.padded_inputs * 4));
    a.jl(unit, kNear);
    if (!pads_with_zeros() && s_.width < packed_.padded_inputs) zero_padding();
  }

  // Superblocks of 256 inputs (templates/formats/packing.hpp): two factors, then 32 inputs at a time.
  void two_level_row() {
    const Xbyak::Xmm scale = a.name(a.xmm4, "scale");
    const Xbyak::Xmm minimum = a.name(a.xmm5, "minimum");
    const Xbyak::Xmm scale_factor = a.name(a.xmm6, "scale_factor");
    const Xbyak::Xmm minimum_factor = a.name(a.xmm7, "minimum_factor");
    const int arrays = s_.weights.symmetric ? 1 : 2;
    const int groups = kInputsPerStep / s_.weights.group;
    const int codes_of_step = kInputsPerStep * 4 * s_.weights.bits;
    Xbyak::Label superblock;
    Xbyak::Label step;
    a.L(superblock);
    find_scales_at(0, 2);
    load_f16(scale_factor, scales());
    if (arrays == 2) {
      load_f16(minimum_factor, scales() + jit::offset(kBlockColumns * 2));
      a.vxorps(minimum_factor, minimum_factor, four_lanes(INT32_MIN));  // minimums are -e * m
    }
    a.add(codes(), static_cast<std::uint32_t>(arrays * kBlockColumns * 2));
    a.mov(left(), kSuperblock / kInputsPerStep);
    a.L(step);
    find_scales_at(codes_of_step, 1);
    for (int group = 0; group < groups; ++group) {
      a.movsx(a.eax, a.byte[scales() + jit::offset(group * kBlockColumns)]);
      scaled(scale, scale_factor);
      if (arrays == 2) {
        a.movzx(a.eax, a.byte[scales() + jit::offset((groups + group) * kBlockColumns)]);
        scaled(minimum, minimum_factor);
      }
      for (int quad = 8 / groups * group; quad < 8 / groups * (group + 1); ++quad)
        coded_quad(quad, scale, minimum);
    }
    a.add(codes(), static_cast<std::uint32_t>(codes_of_step + arrays * groups * kBlockColumns));
    a.add(at(), kInputsPerStep * 4);
    a.dec(left());
    a.jnz(step, kNear);
    a.cmp(at(), static_cast<std::uint32_t>(packed_.padded_inputs * 4));
    a.jl(superblock, kNear);
    if (!pads_with_zeros() && s_.width < packed_.padded_inputs) zero_padding();
  }

  // to = float(eax) * factor, in all lanes
  void scaled(const Xbyak::Xmm& to, const Xbyak::Xmm& factor) {
    a.vmovd(to, a.eax);
    a.vcvtdq2ps(to, to);
    a.vmulss(to, to, factor);
    a.vbroadcastss(to, to);
  }

  // Code 0 of the padding stands for the minimum, or a table has no zero; readers of the row want zeros.
  bool pads_with_zeros() const {
    return s_.weights.symmetric && s_.weights.code_value(s_.weights.zero_code()) == 0;
  }

  void zero_padding() {
    Xbyak::Label loop;
    a.mov(at(), static_cast<std::uint32_t>(s_.width * 4));
    a.L(loop);
    a.mov(a.dword[output() + at()], 0);
    a.add(at(), 4);
    a.cmp(at(), static_cast<std::uint32_t>(packed_.padded_inputs * 4));
    a.jl(loop);
  }

  // scales = the column's element of an array, `bytes` behind the column-0 address that codes stands for;
  // codes is displaced by element_bytes() per column, the array's elements are `element` bytes apart.
  void find_scales_at(int bytes, int element) {
    a.imul(scales(), column(), element - element_bytes());
    a.lea(scales(), a.ptr[scales() + codes() + jit::offset(bytes)]);
  }

  void load_f16(const Xbyak::Xmm& to, const Xbyak::RegExp& from) {
    a.movzx(a.eax, a.word[from]);
    a.vmovd(to, a.eax);
    a.vcvtph2ps(to, to);
  }

  void load_scale(const Xbyak::Xmm& to, int row) {
    const Xbyak::RegExp from = scales() + jit::offset(row * kBlockColumns * bytes_of(s_.weights.scale));
    switch (s_.weights.scale) {
      case ScaleType::f16: load_f16(to, from); break;
      case ScaleType::bf16:
        a.movzx(a.eax, a.word[from]);
        a.shl(a.eax, 16);
        a.vmovd(to, a.eax);
        break;
      case ScaleType::e8m0: load_e8m0(to, from); break;
      case ScaleType::e4m3: load_e4m3(to, from); break;
      default: a.vmovss(to, a.dword[from]);
    }
    a.vbroadcastss(to, to);
  }

  // Times the column's factor.
  void load_e4m3(const Xbyak::Xmm& to, const Xbyak::RegExp& from) {
    a.movzx(a.eax, a.byte[from]);
    a.shl(a.eax, 8);
    a.vmovd(to, a.eax);
    Float8Decoder(a, s_.weights).convert(to, to, true);
    a.vmulss(to, to, a.float_constant(kE4m3FromF16));
    a.vmulss(to, to, factor());
  }

  void load_e8m0(const Xbyak::Xmm& to, const Xbyak::RegExp& from) {
    a.movzx(a.eax, a.byte[from]);
    a.shl(a.eax, 23);
    a.mov(a.edi, 0x00400000);  // exponent 0 is 2^-127, a denormal float
    a.cmp(a.eax, a.edi);
    a.cmovb(a.eax, a.edi);
    a.vmovd(to, a.eax);
  }

  // Two pairs of inputs; words get a code as their upper byte.
  void float8_quad(int quad, const Xbyak::Xmm& scale) {
    const Xbyak::Xmm value = a.name(a.xmm0, "value");
    a.movzx(a.eax, a.word[codes() + jit::offset(quad * kRowBytes)]);
    a.movzx(a.edi, a.word[codes() + jit::offset(quad * kRowBytes + kRowBytes / 2)]);
    a.shl(a.edi, 16);
    a.or_(a.eax, a.edi);
    a.vmovd(value, a.eax);
    a.vpmovzxbw(value, value);
    a.vpsllw(value, value, 8);
    Float8Decoder(a, s_.weights).convert(value, value, true);
    if (const float factor = Float8Decoder::scale_factor(s_.weights); factor != 1)
      a.vmulps(value, value, four_lanes(std::bit_cast<std::int32_t>(factor)));
    a.vmulps(value, value, scale);
    a.vmovups(a.ptr[output() + at() + jit::offset(quad * 16)], value);
  }

  void coded_quad(int quad, const Xbyak::Xmm& scale, const Xbyak::Xmm& minimum) {
    if (s_.weights.is_fp8()) return float8_quad(quad, scale);
    bool first = true;
    for (const CodePlane& plane : code_planes(s_.weights.bits)) {
      const Xbyak::Reg32 bits = first ? a.eax : a.edi;
      a.mov(bits, a.dword[codes() + jit::offset(plane.row(quad) * kRowBytes)]);
      const int left_shift = plane.position - plane.shift(quad);
      if (left_shift > 0) a.shl(bits, left_shift);
      if (left_shift < 0) a.shr(bits, -left_shift);
      const std::uint32_t byte = ((1u << plane.width) - 1u) << plane.position;
      if (plane.width < 8) a.and_(bits, byte * 0x01010101u);
      if (!first) a.or_(a.eax, bits);
      first = false;
    }
    const Xbyak::Xmm value = a.name(a.xmm0, "value");
    a.vmovd(value, a.eax);
    a.vpmovzxbd(value, value);
    if (s_.weights.is_table()) {
      a.isa().look_up_floats(a.vector(0, "value"), a.vector(0, "value"), value_table(s_.weights.table).values,
                             a.vector(1, {"scratch", 0}), a.vector(2, {"scratch", 1}));
      a.vmulps(value, value, scale);
    } else if (s_.weights.symmetric) {
      a.vpsubd(value, value, four_lanes(s_.weights.zero_point()));
      a.vcvtdq2ps(value, value);
      a.vmulps(value, value, scale);
    } else {
      a.vcvtdq2ps(value, value);
      a.vfmadd213ps(value, scale, minimum);
    }
    a.vmovups(a.ptr[output() + at() + jit::offset(quad * 16)], value);
  }

  Xbyak::Address four_lanes(std::int32_t value) {
    return a.int32_vector_constant(std::vector<std::int32_t>(4, value));
  }

  void float_row() {
    const int row_bytes = kBlockColumns * s_.weights.bits / 8;
    Xbyak::Label loop;
    a.L(loop);
    for (int input = 0; input < kFloatUnroll; ++input) {
      const auto from = [&](int displacement) { return codes() + jit::offset(displacement); };
      switch (s_.weights.kind) {
        case WeightKind::f32: a.mov(a.eax, a.dword[from(input * row_bytes)]); break;
        case WeightKind::f16:
          a.movzx(a.eax, a.word[from(input * row_bytes)]);
          a.vmovd(a.name(a.xmm0, "value"), a.eax);
          a.vcvtph2ps(a.xmm0, a.xmm0);
          a.vmovd(a.eax, a.xmm0);
          break;
        case WeightKind::bf16:  // pairs of inputs in a dword
          a.movzx(a.eax, a.word[from(input / 2 * 2 * row_bytes + input % 2 * 2)]);
          a.shl(a.eax, 16);
          break;
        default: fail("kernel {}: not a float format", jit::spec_text(s_));
      }
      a.mov(a.dword[output() + at() + jit::offset(input * 4)], a.eax);
    }
    a.add(codes(), static_cast<std::uint32_t>(kFloatUnroll * row_bytes));
    a.add(at(), kFloatUnroll * 4);
    a.cmp(at(), static_cast<std::uint32_t>(packed_.padded_inputs * 4));
    a.jl(loop, kNear);
  }

  // The row is in the first-level cache; rows are padded to eight floats at least.
  void scale_row() {
    const Xbyak::Ymm factor = a.name(a.ymm1, "factor");
    const Xbyak::Ymm value = a.name(a.ymm0, "value");
    Xbyak::Label loop;
    a.vbroadcastss(factor, a.dword[arguments() + offsetof(EmbedArguments, factor)]);
    a.xor_(at(), at());
    a.L(loop);
    a.vmulps(value, factor, a.ptr[output() + at()]);
    a.vmovups(a.ptr[output() + at()], value);
    a.add(at(), 32);
    a.cmp(at(), static_cast<std::uint32_t>(packed_.padded_inputs * 4));
    a.jl(loop);
  }

  jit::Assembler a;
  const EmbedSpec& s_;
  PackedShape packed_;
};

}  // namespace

jit::CodeImage emit_embed(const EmbedSpec& spec, const jit::Target& target) {
  return EmbedEmitter(spec, target).emit();
}

}  // namespace burin::kernels
