#include <bit>

#include "jit/assembler.hpp"
#include "jit/error.hpp"
#include "jit/spec_text.hpp"
#include "templates/math/activation_emitter.hpp"
#include "templates/math/tanh.hpp"
#include "templates/prepare/row_norm_emitter.hpp"
#include "templates/row_loop.hpp"
#include "templates/rowwise/rowwise_spec.hpp"

namespace burin::kernels {
namespace {

constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;
constexpr std::int64_t kStep = 32;  // rows are zero up to a multiple of it

using jit::Vector;

class RowwiseEmitter {
 public:
  RowwiseEmitter(const RowwiseSpec& spec, const jit::Target& target)
      : a(target),
        s_(spec),
        norm_registers_{input(), a.name(a.r8, "norm_weight"), a.name(a.r11, "norm_bias"),
                        argument32(offsetof(RowwiseArguments, epsilon)), offset()},
        norm_(a, spec.norm, spec.width, norm_registers_, a.vector(8, "factor"), a.vector(9, "mean")) {}

  jit::CodeImage emit() {
    a.begin_frame(0, arguments());
    a.mov(input(), argument(offsetof(RowwiseArguments, input)));
    a.mov(other(), argument(offsetof(RowwiseArguments, other)));
    a.mov(output(), argument(offsetof(RowwiseArguments, output)));
    a.mov(norm_registers_.weight, argument(offsetof(RowwiseArguments, norm_weight)));
    a.mov(norm_registers_.bias, argument(offsetof(RowwiseArguments, norm_bias)));
    a.mov(rows(), argument(offsetof(RowwiseArguments, rows)));
    load_constants();
    emit_row_loop(a, rows(), [&] {
      row();
      a.add(input(), bytes(s_.input_stride));
      a.add(other(), bytes(s_.other_stride));
      a.add(output(), bytes(s_.output_stride));
    });
    a.end_frame();
    return a.finish(jit::spec_text(s_));
  }

 private:
  Xbyak::Reg64 arguments() const { return a.name(a.rbx, "arguments"); }
  Xbyak::Reg64 input() const { return a.name(a.rsi, "input"); }
  Xbyak::Reg64 other() const { return a.name(a.rdi, "other"); }
  Xbyak::Reg64 output() const { return a.name(a.rdx, "output"); }
  Xbyak::Reg64 rows() const { return a.name(a.rcx, "rows"); }
  Xbyak::Reg64 offset() const { return a.name(a.r9, "offset"); }

  Vector value() const { return a.vector(0, "value"); }
  Vector scratch(int i) const { return a.vector(1 + i, {"scratch", i}); }
  Vector constant() const { return a.vector(10, "constant"); }
  Vector second_constant() const { return a.vector(11, "second_constant"); }

  Xbyak::Address argument(std::size_t member) const { return a.ptr[arguments() + member]; }
  Xbyak::Address argument32(std::size_t member) const { return a.dword[arguments() + member]; }
  static std::uint32_t bytes(std::int64_t floats) { return static_cast<std::uint32_t>(floats * 4); }
  Xbyak::Address lanes(float x) { return a.vector_constant(std::bit_cast<std::uint32_t>(x)); }

  // constant is the argument; second_constant what clip and soft_cap derive from it.
  void load_constants() {
    a.vbroadcastss(constant(), argument32(offsetof(RowwiseArguments, constant)));
    if (s_.operation == RowOperation::clip) {
      a.zero(second_constant());
      a.vsubps(second_constant(), second_constant(), constant());
    } else if (s_.operation == RowOperation::soft_cap) {
      a.vmovups(second_constant(), lanes(kTanhScale));
      a.vdivps(second_constant(), second_constant(), constant());
    }
  }

  void row() {
    if (s_.operation == RowOperation::norm)
      norm_.statistics({scratch(0), scratch(1), scratch(2), scratch(3), scratch(4)});
    a.xor_(offset(), offset());
    Xbyak::Label loop;
    a.L(loop);
    for (int at = 0; at < kStep * 4; at += a.vector_bytes()) {
      compute(at);
      a.vmovups(a.ptr[output() + offset() + jit::offset(at)], value());
    }
    a.add(offset(), kStep * 4);
    a.cmp(offset(), bytes((s_.width + kStep - 1) / kStep * kStep));
    a.jl(loop, kNear);
  }

  void compute(int at) {
    const Xbyak::Address y = a.ptr[other() + offset() + jit::offset(at)];
    if (s_.operation == RowOperation::norm) {
      norm_.load(value(), at);
      return;
    }
    a.vmovups(value(), a.ptr[input() + offset() + jit::offset(at)]);
    switch (s_.operation) {
      case RowOperation::norm: break;
      case RowOperation::activate:
        emit_activation(a, s_.function, value(), {scratch(0), scratch(1), scratch(2)});
        break;
      case RowOperation::add: a.vaddps(value(), value(), y); break;
      case RowOperation::multiply: a.vmulps(value(), value(), y); break;
      case RowOperation::scale: a.vmulps(value(), value(), constant()); break;
      case RowOperation::clip:
        a.vminps(value(), value(), constant());
        a.vmaxps(value(), value(), second_constant());
        break;
      case RowOperation::soft_cap: soft_cap(); break;
    }
  }

  void soft_cap() {
    a.vmulps(value(), value(), second_constant());
    emit_tanh(a, value(), scratch(0), scratch(1));
    a.vmulps(value(), value(), constant());
  }

  jit::Assembler a;
  const RowwiseSpec& s_;
  RowNormRegisters norm_registers_;
  RowNormEmitter norm_;
};

}  // namespace

jit::CodeImage emit_rowwise(const RowwiseSpec& spec, const jit::Target& target) {
  const auto refuse = [&](std::string_view why) { fail("kernel {}: {}", jit::spec_text(spec), why); };
  if (spec.width < 1) refuse("n must be at least 1");
  if ((spec.operation == RowOperation::norm) != (spec.norm != RowNorm::none))
    refuse("op.norm has a norm, the others have none");
  if ((spec.operation == RowOperation::activate) != (spec.function != ActivationFunction::none))
    refuse("op.activate has a function f, the others have none");
  return RowwiseEmitter(spec, target).emit();
}

}  // namespace burin::kernels
