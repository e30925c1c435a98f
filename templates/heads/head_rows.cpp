#include "templates/heads/head_rows.hpp"

#include "templates/heads/head_store.hpp"

namespace burin::kernels {
namespace {

constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;

}  // namespace

HeadRows::HeadRows(jit::Assembler& assembler, const HeadLayout& heads, const HeadRowMembers& members,
                   std::int64_t input_stride, std::int64_t output_stride, const Xbyak::Reg64& block)
    : a(assembler),
      heads_(heads),
      members_(members),
      input_stride_(input_stride),
      output_stride_(output_stride),
      block_(block),
      tile_(a, 1, /*whole_block=*/true) {}

std::size_t HeadRows::displacement(int pass, int v) const {
  return jit::offset(tile_.block_vector(pass, v) * a.vector_bytes());
}

void HeadRows::emit(const std::function<void()>& begin_row, const std::function<void(int pass)>& block_pass) {
  Xbyak::Label rows;
  Xbyak::Label blocks;
  Xbyak::Label next_row;
  Xbyak::Label done;
  a.begin_frame(head_row_bytes(heads_), arguments());
  a.mov(row(), argument(members_.input));
  a.xor_(row_number(), row_number());
  a.L(rows);
  a.cmp(row_number(), argument(members_.rows));
  a.jge(done, kNear);
  a.mov(block(), argument(members_.first_block));
  begin_row();
  a.L(blocks);
  a.cmp(block(), argument(members_.last_block));
  a.jge(next_row, kNear);
  for (int pass = 0; pass < tile_.passes(); ++pass) block_pass(pass);
  a.inc(block());
  a.jmp(blocks, kNear);
  a.L(next_row);
  a.add(row(), static_cast<std::uint32_t>(input_stride_ * 4));
  a.inc(row_number());
  a.jmp(rows, kNear);
  a.L(done);
  a.end_frame();
}

void HeadRows::store(int pass, const Xbyak::Reg64& stored_block, const Xbyak::Reg64& block_offset) {
  a.imul(output(), row_number(), static_cast<int>(output_stride_ * 4));
  a.add(output(), block_offset);
  a.add(output(), argument(members_.output));
  emit_head_store({a, heads_, output_stride_, arguments(), members_.kv, stored_block, row_number(), output(),
                   a.rax, a.rcx, a.r11, a.rdi, a.r8, a.rsi},
                  tile_, pass);
}

}  // namespace burin::kernels
