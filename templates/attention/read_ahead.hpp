// Prefetches ahead of what a loop reads, which at its end go on with what is read next: no block begins cold, and nothing
// is fetched that nobody reads.
//
//     keys of a block, or its values                      what is read next
//     +----------------------------+---------+            +---------+------
//     |                            |  8 KB   |            |  8 KB   |
//     +----------------------------+---------+            +---------+------
//      ^ read                 prefetched ^                 ^ prefetched while the last 8 KB are read
#pragma once

#include "templates/attention/attention_emitter.hpp"

namespace burin::kernels {

class ReadAhead {
 public:
  // For loops whose bodies read `body_bytes` each. `lead`, a register kept over the loop, is how far ahead of the
  // reading a prefetch is.
  ReadAhead(const AttentionContext& context, int body_bytes, const Xbyak::Reg64& lead)
      : c_(context), a(context.a), body_bytes_(body_bytes), lead_(lead) {}

  // Of so many bodies that are read last, the prefetches point at what comes next.
  int last_bodies() const { return (kBytes + body_bytes_ - 1) / body_bytes_; }

  // Before the loops over a block's keys or values: at `next` lies what is read after them, at `last` what the last
  // bodies read. Overwrites `next`.
  void emit_next(const Xbyak::Reg64& next, const Xbyak::Reg64& last) const {
    const jit::RoleScope scope(a);
    a.sub(next, last);
    a.mov(c_.local(c_.locals.last_lead), a.name(next, "last_lead"));
  }
  // Before such a loop.
  void emit_start() const { a.mov(lead(), c_.u32(last_bodies() * body_bytes_)); }
  // At the start of a body, with `left` of them to go.
  void emit_body(const Xbyak::Reg64& left) const {
    a.cmp(left, c_.u32(last_bodies()));
    a.cmovle(lead(), c_.local(c_.locals.last_lead));
  }
  // Of the line at `at`, which this body reads.
  void emit_prefetch(const Xbyak::RegExp& at) const { a.prefetch_soon(a.ptr[at + lead()]); }

 private:
  static constexpr int kBytes = 8192;
  Xbyak::Reg64 lead() const { return a.name(lead_, "lead"); }

  const AttentionContext& c_;
  jit::Assembler& a;
  int body_bytes_;
  Xbyak::Reg64 lead_;
};

// A chunk's keys are read block by block, then its values. Both set `to` to what is read after the block at hand, and
// overwrite `free`.
//
// After its keys: those of the chunk's next block, or the first values of the chunk that any row may see.
void emit_next_after_keys(const AttentionContext& context, const Xbyak::Reg64& blocks_left,
                          const Xbyak::Reg64& to, const Xbyak::Reg64& free);
// After its values, at `values`: those of the chunk's next block, the keys of the next chunk, those of the next span, or
// nothing: then what is read again is near already.
void emit_next_after_values(const AttentionContext& context, const Xbyak::Reg64& values,
                            const Xbyak::Reg64& to, const Xbyak::Reg64& free);

// The scales of an int8 block lie behind its keys and behind its values, apart from what the loops walk along.
void emit_prefetch_scales(const AttentionContext& context, const Xbyak::Reg64& block);

}  // namespace burin::kernels
