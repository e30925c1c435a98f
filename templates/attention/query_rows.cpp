// Start and end of attention: queries into the panel, sums out to the caller's rows.
#include <algorithm>
#include <bit>

#include "templates/attention/attention_emitter.hpp"
#include "templates/attention/query_codes.hpp"
#include "templates/math/exp2.hpp"
#include "templates/math/tanh.hpp"

namespace burin::kernels {
namespace {

constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;
constexpr float kLowest = -1e30f;  // finite, so that differences of maxima stay numbers

// Rows of the caller's, to be walked through.
struct CallerRows {
  Xbyak::Reg64 row;
  Xbyak::Reg64 stride;  // bytes
};

// From arguments that are a pointer to floats and a distance of rows in floats.
CallerRows caller_rows(const AttentionContext& c, std::size_t first, std::size_t stride) {
  jit::Assembler& a = c.a;
  const CallerRows rows = {a.name(a.rsi, "row"), a.name(a.rdx, "stride")};
  a.mov(rows.row, c.argument(first));
  a.mov(rows.stride, c.argument(stride));
  a.shl(rows.stride, 2);
  return rows;
}

// Calls body once per query row; the caller's rows are counted down in rcx, `inner` walks the call's heads.
void for_each_query_row(const AttentionContext& c, const CallerRows& outer, const Xbyak::Reg64& inner,
                        int head_bytes, const std::function<void(const Xbyak::Reg64& heads_left)>& body) {
  jit::Assembler& a = c.a;
  const Xbyak::Reg64 rows = a.name(a.rcx, "rows");
  const Xbyak::Reg64 heads = a.name(a.r11, "heads");
  Xbyak::Label row_loop;
  Xbyak::Label head_loop;
  a.mov(rows, c.argument(offsetof(AttentionArguments, rows)));
  a.L(row_loop);
  a.mov(inner, outer.row);
  a.mov(heads, c.argument(offsetof(AttentionArguments, heads)));
  a.L(head_loop);
  body(heads);
  a.add(inner, c.u32(head_bytes));
  a.dec(heads);
  a.jnz(head_loop, kNear);
  a.add(outer.row, outer.stride);
  a.dec(rows);
  a.jnz(row_loop, kNear);
}

// Sixteen pairs: x0 and x1 lie 64 bytes apart in the query.
void copy_pair_block(const AttentionContext& c, int block, const Xbyak::Reg64& query,
                     const Xbyak::Reg64& panel, jit::Vector scale) {
  jit::Assembler& a = c.a;
  for (int lane = 0; lane < kPairsPerBlock; lane += a.lanes()) {
    const jit::Vector x0 = a.vector(1, "x0");
    const jit::Vector x1 = a.vector(2, "x1");
    const int from = block * 128 + lane * 4;
    const int to = block * 64 + lane * 4;
    a.vmulps(x0, scale, a.ptr[query + jit::offset(from)]);
    a.vmulps(x1, scale, a.ptr[query + jit::offset(from + 64)]);
    if (c.bf16_math()) {
      a.isa().pack_bf16_pairs(x0, x1, a.vector(3, "scratch"));
      a.vmovups(a.ptr[panel + jit::offset(to)], x0);
    } else {
      a.vmovups(a.ptr[panel + jit::offset(to)], x0);
      a.vmovups(a.ptr[panel + jit::offset(to + c.scratch.pair_places * 4)], x1);
    }
  }
}

// The floats at `query` to the row of the panel.
void copy_query(const AttentionContext& c, const Xbyak::Reg64& query, const Xbyak::Reg64& panel,
                jit::Vector scale) {
  if (c.integer_math()) return emit_query_codes(c, query, panel, scale);
  for (int block = 0; block < c.spec.heads.pair_blocks(); ++block)
    copy_pair_block(c, block, query, panel, scale);
}

// Scores are powers of two; before a soft cap they are twice the argument of its tanh.
void query_factor(const AttentionContext& c, jit::Vector factor) {
  jit::Assembler& a = c.a;
  const Xbyak::Xmm low(factor.getIdx());
  a.vmovss(low, a.dword[c.r.arguments + offsetof(AttentionArguments, scale)]);
  a.vmulss(low, low, a.float_constant(c.spec.soft_cap ? kTanhScale : kLog2E));
  if (c.spec.soft_cap) a.vdivss(low, low, a.dword[c.r.arguments + offsetof(AttentionArguments, cap)]);
  a.vbroadcastss(factor, low);
}

// own = the factor of the row that `rows_left`, counted down, stands for.
void row_factor(const AttentionContext& c, const Xbyak::Reg64& rows_left, jit::Vector factor,
                jit::Vector own) {
  jit::Assembler& a = c.a;
  const jit::RoleScope scope(a);
  const Xbyak::Reg64 row = a.name(a.rax, "row");
  a.mov(row, c.argument(offsetof(AttentionArguments, rows)));
  a.sub(row, rows_left);
  a.shl(row, 2);
  a.add(row, c.argument(offsetof(AttentionArguments, factors)));
  a.vbroadcastss(own, a.dword[row]);
  a.vmulps(own, own, factor);
}

// Maximum and sum before the first key: nothing, or the head's sink.
void start_state(const AttentionContext& c, const Xbyak::Reg64& state, const Xbyak::Reg64& heads_left) {
  jit::Assembler& a = c.a;
  const Xbyak::Address largest = a.dword[state];
  const Xbyak::Address sum = a.dword[state + jit::offset(c.scratch.sums - c.scratch.largest)];
  a.mov(largest, std::bit_cast<std::uint32_t>(kLowest));
  a.mov(sum, 0);
  if (!c.spec.sinks) return;
  const jit::RoleScope scope(a);
  Xbyak::Label done;
  if (c.spec.parts) {  // the sink is counted once
    a.cmp(c.argument_qword(offsetof(AttentionArguments, first_slot)), 0);
    a.jne(done);
  }
  const Xbyak::Xmm sink = a.name(a.xmm1, "sink");
  c.load_of_head(sink, offsetof(AttentionArguments, sinks), heads_left, a.rax);
  a.vmulss(sink, sink, a.float_constant(kLog2E));
  a.vmovss(largest, sink);
  a.mov(sum, std::bit_cast<std::uint32_t>(1.0f));
  a.L(done);
}

}  // namespace

void emit_query_panel(const AttentionContext& c) {
  jit::Assembler& a = c.a;
  const jit::RoleScope scope(a);
  const Xbyak::Reg64 query = a.name(a.rdi, "query");
  const Xbyak::Reg64 panel = a.name(a.r8, "panel");
  const Xbyak::Reg64 values = a.name(a.r9, "values");
  // Maximum of the row; its sum lies a fixed distance behind.
  const Xbyak::Reg64 states = a.name(a.r10, "states");
  const jit::Vector factor = a.vector(0, "factor");
  const jit::Vector none = a.vector(4, "none");
  const jit::Vector scale = c.spec.factors ? a.vector(5, "scale") : factor;

  const CallerRows rows =
      caller_rows(c, offsetof(AttentionArguments, query), offsetof(AttentionArguments, query_stride));
  a.mov(panel, c.r.scratch);
  a.lea(values, a.ptr[c.r.scratch + jit::offset(c.scratch.values)]);
  a.lea(states, a.ptr[c.r.scratch + jit::offset(c.scratch.largest)]);
  query_factor(c, factor);
  a.zero(none);
  for_each_query_row(c, rows, query, c.spec.heads.query_head_columns() * 4,
                     [&](const Xbyak::Reg64& heads_left) {
                       if (c.spec.factors) row_factor(c, a.rcx, factor, scale);
                       copy_query(c, query, panel, scale);
                       for (int at = 0; at < c.scratch.values_row; at += a.vector_bytes())
                         a.vmovups(a.ptr[values + jit::offset(at)], none);
                       start_state(c, states, heads_left);
                       a.add(panel, c.u32(c.scratch.panel_row));
                       a.add(values, c.u32(c.scratch.values_row));
                       a.add(states, 4);
                     });
}

void emit_outputs(const AttentionContext& c) {
  jit::Assembler& a = c.a;
  const jit::RoleScope scope(a);
  const Xbyak::Reg64 output = a.name(a.rdi, "output");
  const Xbyak::Reg64 values = a.name(a.r9, "values");
  const Xbyak::Reg64 sums = a.name(a.r10, "sums");
  const jit::Vector factor = a.vector(0, "factor");
  const jit::Vector value = a.vector(1, "value");

  const CallerRows rows =
      caller_rows(c, offsetof(AttentionArguments, output), offsetof(AttentionArguments, output_stride));
  a.lea(values, a.ptr[c.r.scratch + jit::offset(c.scratch.values)]);
  a.lea(sums, a.ptr[c.r.scratch + jit::offset(c.scratch.sums)]);
  for_each_query_row(c, rows, output, c.spec.heads.value_width() * 4, [&](const Xbyak::Reg64&) {
    const Xbyak::Xmm low(factor.getIdx());
    a.vmovss(low, a.float_constant(1.0f));
    a.vdivss(low, low, a.dword[sums]);
    a.vbroadcastss(factor, low);
    for (int column = 0; column < c.spec.heads.value_width(); column += a.lanes()) {
      a.vmulps(value, factor, a.ptr[values + jit::offset(column * 4)]);
      a.isa().store_lanes(output + jit::offset(column * 4), value,
                          std::min(a.lanes(), c.spec.heads.value_width() - column), a.vector(2, "scratch"));
    }
    a.add(values, c.u32(c.scratch.values_row));
    a.add(sums, 4);
  });
}

}  // namespace burin::kernels
