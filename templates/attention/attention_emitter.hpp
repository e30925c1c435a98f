// State shared by the parts that emit one attention kernel.
#pragma once

#include <functional>

#include "jit/assembler.hpp"
#include "templates/attention/attention_layout.hpp"

namespace burin::kernels {

// General registers by role. The rest are free for walking.
struct AttentionRegisters {
  Xbyak::Reg64 arguments = Xbyak::util::rbx;
  Xbyak::Reg64 scratch = Xbyak::util::r12;
  Xbyak::Reg64 chunk_first = Xbyak::util::r13;   // position of the chunk's first key
  Xbyak::Reg64 query_rows = Xbyak::util::r14;    // rows * group
  Xbyak::Reg64 chunk_blocks = Xbyak::util::r15;  // 64-key blocks of this chunk
};

struct AttentionContext {
  jit::Assembler& a;
  const AttentionSpec& spec;
  AttentionScratch scratch;
  AttentionRegisters r;

  Xbyak::Address argument(std::size_t member) const { return a.ptr[r.arguments + member]; }
  std::uint32_t u32(std::int64_t value) const { return static_cast<std::uint32_t>(value); }
  bool bf16_storage() const { return spec.heads.kv == KvStorage::bf16; }
  bool bf16_math() const { return spec.math == AttentionMath::bf16; }
};

inline constexpr int kTileRows = 6;
// Column vectors of a tile: with 6 rows 24 of 32 accumulators, or 12 of 16.
inline int tile_vectors(const jit::Assembler& a) { return a.vector_registers() == 32 ? 4 : 2; }

// Loops over all query rows in tiles of 6 and one smaller tile; `left` counts down. body(rows) emits the work
// on one tile and moves its pointers on.
void emit_row_tiles(const AttentionContext& context, const Xbyak::Reg64& left,
                    const std::function<void(int rows)>& body);

void emit_query_panel(const AttentionContext& context);  // start: panel, maxima, sums, values
void emit_scores(const AttentionContext& context);       // scores of one chunk
void emit_softmax(const AttentionContext& context);      // scores -> probabilities, values rescaled
void emit_values(const AttentionContext& context);       // values += probabilities * V
void emit_outputs(const AttentionContext& context);      // end: output = values / sums

}  // namespace burin::kernels
