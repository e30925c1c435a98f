#include "tests/emulation/tile_products.hpp"

#include <immintrin.h>

#include <cstring>

#include "tests/emulation/flushed_float.hpp"
#include "tests/emulation/half.hpp"

namespace burin::emulation {
namespace {

constexpr std::size_t kColumns = kTileRowBytes / 4;

std::uint32_t dword(const Tile& tile, std::size_t row, std::size_t column) {
  std::uint32_t value;
  std::memcpy(&value, tile.data[row] + 4 * column, 4);
  return value;
}

template <typename A, typename B>
void multiply_bytes(Tile& c, const Tile& a, const Tile& b) {
  for (std::size_t m = 0; m < c.rows; ++m) {
    for (std::size_t n = 0; n < c.row_bytes / 4u; ++n) {
      std::uint32_t sum = dword(c, m, n);  // sums wrap around
      for (std::size_t k = 0; k < b.rows; ++k)
        for (std::size_t i = 0; i < 4; ++i) {
          const int product = static_cast<A>(a.data[m][4 * k + i]) * static_cast<B>(b.data[k][4 * n + i]);
          sum += static_cast<std::uint32_t>(product);
        }
      std::memcpy(c.data[m] + 4 * n, &sum, 4);
    }
  }
}

// Both halves of a tile's dwords as floats: the SDM sums products of the low halves and of the high halves
// apart, and adds the two sums at the end.
struct Halves {
  alignas(64) float low[kTileRows][kColumns] = {};
  alignas(64) float high[kTileRows][kColumns] = {};
};

void widen(TileProduct product, const Tile& tile, Halves& to) {
  for (std::size_t row = 0; row < tile.rows; ++row) {
    for (std::size_t i = 0; i < kColumns; ++i) {
      const std::uint32_t bits = dword(tile, row, i);
      const bool bf16 = product == TileProduct::bf16;
      to.low[row][i] = as_float(bf16 ? bits << 16 : half_to_single(static_cast<Half>(bits & 0xffff)));
      to.high[row][i] = as_float(bf16 ? bits & 0xffff0000u : half_to_single(static_cast<Half>(bits >> 16)));
    }
  }
}

// Fused multiply-adds in the order of the SDM's pseudocode (volume 2, TDPBF16PS and TDPFP16PS), eight columns
// at a time. FMA is there: no CPU that Burin runs on lacks it.
__attribute__((noinline, target("avx2,fma"))) void multiply_floats(Tile& c, const Halves& a, const Halves& b,
                                                                   std::size_t depth) {
  for (std::size_t m = 0; m < c.rows; ++m) {
    alignas(64) float sums[kColumns];
    std::memcpy(sums, c.data[m], sizeof(sums));
    for (std::size_t n = 0; n < kColumns; n += 8) {
      __m256 low = _mm256_setzero_ps();
      __m256 high = _mm256_setzero_ps();
      for (std::size_t k = 0; k < depth; ++k) {
        low = _mm256_fmadd_ps(_mm256_set1_ps(a.low[m][k]), _mm256_load_ps(b.low[k] + n), low);
        high = _mm256_fmadd_ps(_mm256_set1_ps(a.high[m][k]), _mm256_load_ps(b.high[k] + n), high);
      }
      _mm256_store_ps(sums + n, _mm256_add_ps(_mm256_load_ps(sums + n), _mm256_add_ps(low, high)));
    }
    std::memcpy(c.data[m], sums, c.row_bytes);
  }
}

void multiply_halves(TileProduct product, Tile& c, const Tile& a, const Tile& b) {
  // Not on the stack: signal stacks are small, and no signal interrupts this one.
  static constinit thread_local Halves wide_a;
  static constinit thread_local Halves wide_b;
  widen(product, a, wide_a);
  widen(product, b, wide_b);
  // An FP16 denormal is an ordinary number once it is a float: TDPFP16PS does not lose it.
  const FlushedFloats flushed;
  multiply_floats(c, wide_a, wide_b, b.rows);
}

}  // namespace

void multiply_tiles(TileProduct product, Tile& c, const Tile& a, const Tile& b) {
  switch (product) {
    case TileProduct::s8_s8: return multiply_bytes<std::int8_t, std::int8_t>(c, a, b);
    case TileProduct::s8_u8: return multiply_bytes<std::int8_t, std::uint8_t>(c, a, b);
    case TileProduct::u8_s8: return multiply_bytes<std::uint8_t, std::int8_t>(c, a, b);
    case TileProduct::u8_u8: return multiply_bytes<std::uint8_t, std::uint8_t>(c, a, b);
    case TileProduct::bf16:
    case TileProduct::fp16: return multiply_halves(product, c, a, b);
  }
}

}  // namespace burin::emulation
