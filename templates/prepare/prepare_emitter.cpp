#include <cstddef>

#include "jit/spec_text.hpp"
#include "templates/formats/weight_format_field.hpp"
#include "templates/prepare/prepare_spec.hpp"
#include "templates/prepare/row_preparation.hpp"
#include "templates/row_loop.hpp"

namespace burin::kernels {

jit::CodeImage emit_prepare(const PrepareSpec& spec, const jit::Target& target) {
  require_computes(target, spec.activation, spec.weights, jit::spec_text(spec));
  jit::Assembler a(target);
  const RowPreparation preparation = row_preparation(spec.inputs, spec.weights, spec.activation, spec.norm);
  const Xbyak::Reg64 arguments = a.name(a.rdi, "arguments");
  const Xbyak::Reg64 rows = a.name(a.rcx, "rows");
  const RowPreparationRegisters registers =
      row_preparation_registers(a, a.dword[arguments + offsetof(PrepareArguments, epsilon)]);

  a.begin_frame(0);
  const Xbyak::Reg64 first_input = a.name(a.rax, "first_input");
  const Xbyak::Reg64 number = a.name(a.rbx, "number");  // where the next one is
  a.mov(registers.input, a.ptr[arguments + offsetof(PrepareArguments, input)]);
  if (spec.gather) {
    a.mov(first_input, registers.input);
    a.mov(number, a.ptr[arguments + offsetof(PrepareArguments, numbers)]);
  }
  a.mov(registers.output, a.ptr[arguments + offsetof(PrepareArguments, output)]);
  a.mov(registers.norm_weight, a.ptr[arguments + offsetof(PrepareArguments, norm_weight)]);
  a.mov(registers.norm_bias, a.ptr[arguments + offsetof(PrepareArguments, norm_bias)]);
  a.mov(rows, a.ptr[arguments + offsetof(PrepareArguments, rows)]);
  emit_row_loop(a, rows, [&] {
    if (spec.gather) {
      a.movsxd(registers.input, a.dword[number]);
      a.imul(registers.input, registers.input, static_cast<int>(spec.input_stride * 4));
      a.add(registers.input, first_input);
      a.add(number, 4);
    }
    emit_row_preparation(a, preparation, registers);
    if (!spec.gather) a.add(registers.input, static_cast<std::uint32_t>(spec.input_stride * 4));
    a.add(registers.output, static_cast<std::uint32_t>(preparation.rows.row_bytes));
  });
  a.end_frame();
  return a.finish(jit::spec_text(spec));
}

}  // namespace burin::kernels
