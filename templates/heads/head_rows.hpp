// What kernels that store heads from rows have in common: rows outside, column blocks inside.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "jit/assembler.hpp"
#include "templates/block_tile.hpp"
#include "templates/head_layout.hpp"

namespace burin::kernels {

// Where a kernel's argument struct has what the walk needs.
struct HeadRowMembers {
  std::size_t input, output, rows, first_block, last_block, kv;
};

class HeadRows {
 public:
  static constexpr int kBlockBytes = 128;  // 32 floats of a row

  // `block` counts as the kernel's call does.
  HeadRows(jit::Assembler& assembler, const HeadLayout& heads, const HeadRowMembers& members,
           std::int64_t input_stride, std::int64_t output_stride, const Xbyak::Reg64& block);

  // General registers that the walk keeps; the rest but rdx are the blocks'.
  Xbyak::Reg64 arguments() const { return a.name(a.rbx, "arguments"); }
  Xbyak::Reg64 row() const { return a.name(a.r12, "row"); }
  Xbyak::Reg64 row_number() const { return a.name(a.r14, "row_number"); }
  Xbyak::Reg64 block() const { return a.name(block_, "block"); }

  const BlockTile& tile() const { return tile_; }
  Xbyak::Address argument(std::size_t member) const { return a.ptr[arguments() + member]; }
  // Bytes from a block's first column to vector v of a pass.
  std::size_t displacement(int pass, int v) const;

  // The kernel's frame, and loops over the call's rows and blocks. begin_row is emitted where `block` is known, before the first one;
  // block_pass once per pass over a block: it loads the tile's sums and stores them.
  void emit(const std::function<void()>& begin_row, const std::function<void(int pass)>& block_pass);
  // Stores a block's sums. `stored_block` counts as head_layout.hpp does, `block_offset` is in bytes within an
  // output row. Overwrites rax, rcx, rdx, rsi, rdi, r8 and r11.
  void store(int pass, const Xbyak::Reg64& stored_block, const Xbyak::Reg64& block_offset);

 private:
  Xbyak::Reg64 output() const { return a.name(a.rdx, "output"); }

  jit::Assembler& a;
  const HeadLayout& heads_;
  HeadRowMembers members_;
  std::int64_t input_stride_;
  std::int64_t output_stride_;
  Xbyak::Reg64 block_;
  BlockTile tile_;
};

// The members of an argument struct that names them as HeadRowMembers does.
template <typename Arguments>
constexpr HeadRowMembers head_row_members() {
  return {offsetof(Arguments, input),       offsetof(Arguments, output),     offsetof(Arguments, rows),
          offsetof(Arguments, first_block), offsetof(Arguments, last_block), offsetof(Arguments, kv)};
}

}  // namespace burin::kernels
