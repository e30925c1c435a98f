// The packed weight layout that all dequant-GEMM and embedding kernels of every ISA read.
//
// Columns (outputs) are cut into blocks of 32. A block is contiguous and holds its groups one after the
// other, so that a decode kernel reads one stream with a fixed stride of zero surprises:
//
//   matrix:  [block 0][block 1] ... [block ceil(N/32)-1]          (columns past N are zero)
//   block:   [group 0][group 1] ... [group ceil(K/G)-1]           (inputs past K have the zero code, or code 0)
//   group:   [32 inputs][32 inputs] ... [32 scales][32 minimums]  (minimums for asymmetric formats only)
//
// Two groups of 16 inputs lie together: [32 inputs][32 scales][32 scales][32 minimums][32 minimums].
//
// 32 inputs of an integer or table format are its bit planes, widest first; bits = 8 | 4 | 2 | 1 summed, so
// int3 is a 2-bit and a 1-bit plane, int5 a 4-bit and a 1-bit plane; the widest plane holds the lowest
// bits of the code. A plane of width p has p rows of 128 bytes (p*32*32/8 bytes):
//
//   row:     [column 0: 4 bytes][column 1: 4 bytes] ... [column 31: 4 bytes]
//
//   byte i of a column belongs to inputs k = 4*q + i, where q is the quad 0..7 of the 32 inputs;
//   quad q sits in row (q*p)/8 at bit (q*p)%8 of the byte.
//
// So int4 row 0 has quad 0 in its low and quad 1 in its high nibbles: each 64-byte half is a vector
// whose 32-bit lane is a column and whose four bytes are four consecutive inputs, the operand shape of
// vpdpbusd (and of an AMX int8 tile row).
//
// 32 inputs of an fp8 format have 16 rows of 64 bytes, one for each pair of inputs: float8_decoder.hpp makes an f16
// of either byte of a word.
//
//   row:     [column 0: 2 bytes][column 1: 2 bytes] ... [column 31: 2 bytes]
//
// Formats with factors (ScaleType::e4m3) have them behind all groups of a block: [32 f32]. Sums are multiplied with them.
//
// Two-level formats have groups of 16 or 32 and come in superblocks of 256 inputs instead of groups:
//
//   superblock:  [32 f16 scales][32 f16 minimums][step 0]..[step 7]   (minimums for asymmetric formats only)
//   step:        [32 inputs][32 int8 scales] x groups [32 uint8 minimums] x groups    (1 or 2 groups in 32 inputs)
//
// Float formats have no groups; a block is
//   f32:   [k][32 columns] 4 bytes each          f16: [k][32 columns] 2 bytes each
//   bf16:  [k/2][32 columns][k%2] 2 bytes each   (the pair shape of vdpbf16ps)
// with k padded to a multiple of 8 by zeros.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "templates/formats/coded_matrix.hpp"
#include "templates/formats/stored_type.hpp"
#include "templates/formats/weight_format.hpp"

namespace burin::kernels {

inline constexpr int kBlockColumns = 32;
inline constexpr int kFloatPadding = 8;  // inputs of float formats are filled up to a multiple of it

// Sizes of a packed K x N matrix.
struct PackedShape {
  std::int64_t inputs = 0;         // K
  std::int64_t columns = 0;        // N as packed, a multiple of 32
  std::int64_t padded_inputs = 0;  // K rounded up to the unit (codes) or to 8 (floats)
  // Formats with codes: what a block is a sequence of. A group, two of 16 inputs, or a superblock of two-level
  // formats.
  std::int64_t unit_inputs = 0;
  std::size_t unit_bytes = 0;
  std::size_t factor_bytes = 0;  // behind a block's units
  std::size_t block_bytes = 0;
  std::size_t total_bytes = 0;
};
// `columns` is rounded up to 32. Throws burin::Error for a format no kernel can read (integer group
// neither 16 nor a multiple of 32, bits outside 1..8).
PackedShape packed_shape(const WeightFormat& format, std::int64_t inputs, std::int64_t columns);

// A row-major matrix as a file stores it: rows are outputs, columns are inputs.
struct StoredMatrix {
  const std::byte* data = nullptr;
  StoredType type = StoredType::f32;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  const CodedMatrix* coded = nullptr;  // where this is set, `data` and `type` are not used
};

// Which stored row a packed column takes its weights from; row -1 makes a zero column.
struct ColumnSource {
  std::int32_t matrix = 0;
  std::int32_t row = -1;

  bool operator==(const ColumnSource&) const = default;
};

// The format that holds `type` without loss: Q4_0 -> int4s.g32.f16, Q4_1 -> int4a.g32.f16,
// IQ4_NL -> iq4nl.g32.f16, Q8_0 -> int8s.g32.f16, F16 -> f16, ...
WeightFormat natural_format(StoredType type);
WeightFormat natural_format(const StoredMatrix& matrix);

// Packs column blocks [first_block, last_block) into out (the start of the whole packed matrix).
// Where every source's natural format is `format` the codes are moved without change; otherwise values
// are dequantised to float32 and rounded to nearest (integer formats: see quantize.hpp).
// columns.size() is the packed column count; all matrices have `inputs` columns.
// Thread-safe for disjoint block ranges.
void pack_blocks(const WeightFormat& format, std::int64_t inputs, std::span<const StoredMatrix> matrices,
                 std::span<const ColumnSource> columns, std::int64_t first_block, std::int64_t last_block,
                 std::byte* out);

// Plain decoder of the packed layout, for tests and references: the value of input k of a column.
float packed_value(const WeightFormat& format, const PackedShape& shape, const std::byte* packed,
                   std::int64_t k, std::int64_t column);

// Dequantises `count` values (a multiple of the block) of a stored row to float32.
void stored_row_to_f32(StoredType type, const std::byte* row, std::int64_t count, float* out);
// Likewise a whole row of a matrix.
void stored_row_to_f32(const StoredMatrix& matrix, std::int64_t row, float* out);

}  // namespace burin::kernels
